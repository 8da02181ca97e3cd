#!/usr/bin/env bash
# The demo on a bare machine with Rust: RabbitMQ from Debian if it is missing, our binary, a
# broker of its own beside it. All it starts is gone afterwards, however it ends.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lab/env.sh
. "$here/env.sh"
cd "$CVX_ROOT"
"$here/install.sh" rabbitmq
cargo build --bin cinder-volume-xtremio
echo "demo: starts a RabbitMQ of its own on free loopback ports"
# so that a signal reaches services.py, which stops what it has started
exec "$here/services.py" run --with rabbit -- "$CVX_BIN" demo
