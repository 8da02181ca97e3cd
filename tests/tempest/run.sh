#!/usr/bin/env bash
# The Tempest run with the programs that tests/lab/env.sh names; arguments go to run.py.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lab/env.sh
. "$here/../lab/env.sh"
for program in "$CVX_BIN" "$CVX_PY_VENV/bin/cinder-volume" "$CVX_TEMPEST_VENV/bin/tempest"; do
    [[ -x $program ]] || { echo "run.sh: no $program: 'make tempest' builds and installs it" >&2; exit 69; }
done
exec python3 -B "$here/run.py" "$@"
