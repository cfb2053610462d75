#!/usr/bin/env bash
# Make a virtual environment with the locked packages and this checkout in it.
#
#   tools/setup.sh VENV LOCK...
#
# Nothing is done when VENV already holds what the locks and the checkout ask for.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$1
shift
locks=("$@")
log=build/setup${venv//./-}.log
stamp=$venv/.set-up

say() { printf '%s\n' "$*"; }
give_up() { printf 'scrobblerd: %s\n' "$*" >&2; exit 1; }

# Run one step quietly; when it fails, show the end of what it said.
step() {
    local title=$1
    shift
    say "$title"
    printf '\n== %s: %s\n' "$title" "$*" >>"$log"
    if ! "$@" </dev/null >>"$log" 2>&1; then
        tail -n 25 "$log" >&2
        give_up "this step failed: $title. The whole log is in $log."
    fi
}

# Print the first command that is a Python which can run the daemon.
find_python() {
    local name
    for name in ${PYTHON:-} python3.14 python3.13 python3.12 python3.11 python3; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# Run apt-get as root, or say no when that is not to be had without asking.
apt() {
    local run=()
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        run=(sudo -n)
    fi
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=120 "$@"
}

# Debian keeps the part of Python that fills a new environment in a package of its own.
need_ensurepip() {
    local python=$1 version package
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    package=python$version-venv
    { command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; } ||
        give_up "Python $version cannot make virtual environments yet; install the package $package (sudo apt-get install $package) and try again."
    step "Asking for Debian's package list" apt update
    step "Installing $package" apt install --no-install-recommends "$package"
}

works() { [ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# What the environment was made from: its Python, the locks, the metadata, the version and where the checkout lies.
fingerprint() {
    { "$venv/bin/python" -VV; pwd; cat "${locks[@]}" pyproject.toml scrobbler/__init__.py; } 2>/dev/null | sha256sum
}

if works && [ -f "$stamp" ] && [ "$(fingerprint)" = "$(cat "$stamp")" ]; then
    exit 0
fi

mkdir -p build
: >"$log"
if ! works; then
    python=$(find_python) || give_up "Python 3.11 or newer is needed and was not found; install it (on Debian and Ubuntu: sudo apt-get install python3 python3-venv) and try again."
    need_ensurepip "$python"
    step "Making $venv with $("$python" -V)" "$python" -m venv --clear "$venv"
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
requirements=()
for lock in "${locks[@]}"; do
    requirements+=(-r "$lock")
done
rm -f "$stamp"
step "Installing the locked packages" "$venv/bin/pip" install --require-hashes "${requirements[@]}"
step "Installing scrobblerd from this checkout" "$venv/bin/pip" install --no-deps --no-build-isolation --editable .
fingerprint >"$stamp"
