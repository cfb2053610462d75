#!/usr/bin/env bash
# Measure the built wheel, in an environment with the locked packages and nothing else that the daemon would load.
#
#   tools/bench.sh [NAME...]     names of scripts in bench/, by default all
set -euo pipefail
cd "$(dirname "$0")/.."

venv=build/bench-venv
rm -rf build/bench-dist
.venv-dev/bin/python tools/dist.py build/bench-dist >build/bench.log 2>&1 || { tail -n 20 build/bench.log >&2; exit 1; }
[ -x "$venv/bin/python" ] || .venv-dev/bin/python -m venv "$venv"
pip=("$venv/bin/pip" --quiet --disable-pip-version-check install)
"${pip[@]}" --require-hashes -r requirements.lock -r requirements-test.lock >>build/bench.log 2>&1
"${pip[@]}" --no-deps --no-index --force-reinstall build/bench-dist/*.whl >>build/bench.log 2>&1

for name in "${@:-startup memory all_sources hooks crowd calls mpv_latency latency}"; do
    for script in $name; do
        "$venv/bin/python" -m "bench.$script"
    done
done
