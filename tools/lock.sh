#!/usr/bin/env bash
# Renew the lock files with the newest packages that pyproject.toml allows.
# They carry hashes and no addresses: pip takes the packages from wherever it is set up to.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ ! -x .venv-lock/bin/uv ]; then
    python3 -m venv .venv-lock
    .venv-lock/bin/pip install --quiet uv
fi
unset PIP_FIND_LINKS PIP_EXTRA_INDEX_URL
uv=(.venv-lock/bin/uv --quiet --no-config)
"${uv[@]}" lock --upgrade

export_lock() {
    local file=$1
    shift
    "${uv[@]}" export --frozen --no-header --no-annotate --no-emit-project --output-file "$file" "$@" >/dev/null
}
export_lock requirements.lock --no-default-groups
# The extra is apart: it has no wheels for 32-bit machines, and who installs for a NAS does without it.
for group in mpris build test check; do
    export_lock "requirements-$group.lock" --only-group "$group"
done
