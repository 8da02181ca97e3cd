# Where things are; sourced by the scripts here. Every value may come from the environment.
CVX_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${CVX_CACHE:=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/cinder-volume-xtremio}"
: "${CVX_PY_VENV:=$CVX_CACHE/venv-29.0.0}"
: "${CVX_CLIENT_VENV:=$CVX_CACHE/venv-clients}"
: "${CVX_TEMPEST_VENV:=$CVX_CACHE/venv-tempest}"
: "${CVX_LOGS:=${CARGO_TARGET_DIR:-$CVX_ROOT/target}/lab-logs}"
: "${CVX_BIN:=${CARGO_TARGET_DIR:-$CVX_ROOT/target}/debug/cinder-volume-xtremio}"
export CVX_ROOT CVX_CACHE CVX_PY_VENV CVX_CLIENT_VENV CVX_TEMPEST_VENV CVX_LOGS CVX_BIN
