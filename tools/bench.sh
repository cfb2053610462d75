#!/usr/bin/env bash
# Measure the built wheel, in an environment as people install it; what measures it runs in another one.
#
#   tools/bench.sh [NAME...]     names of scripts in bench/, by default all
set -euo pipefail
cd "$(dirname "$0")/.."

daemon=build/bench-daemon
tests=build/bench-venv
rm -rf build/bench-dist
.venv-dev/bin/python tools/dist.py build/bench-dist >build/bench.log 2>&1 || { tail -n 20 build/bench.log >&2; exit 1; }
install() {
    local venv=$1
    shift
    [ -x "$venv/bin/python" ] || .venv-dev/bin/python -m venv "$venv"
    local pip=("$venv/bin/pip" --quiet --disable-pip-version-check install)
    "${pip[@]}" --require-hashes "$@" >>build/bench.log 2>&1
    "${pip[@]}" --no-deps --no-index --force-reinstall build/bench-dist/*.whl >>build/bench.log 2>&1
}
install "$daemon" -r requirements.lock -r requirements-mpris.lock
install "$tests" -r requirements.lock -r requirements-test.lock
export SCROBBLER_COMMAND="$PWD/$daemon/bin/scrobbler"

for name in "${@:-startup memory all_sources hooks crowd crowd_of_the_day calls mpv_latency latency}"; do
    for script in $name; do
        "$tests/bin/python" -m "bench.$script"
    done
done
