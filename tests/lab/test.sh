#!/usr/bin/env bash
# Runs stages in order, stops at the first that fails, prints seconds per stage at the end.
#
#   tests/lab/test.sh            all of them, as CI does
#   tests/lab/test.sh STAGE...   only these
{
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lab/env.sh
. "$here/env.sh"
cd "$CVX_ROOT"
all=(install fmt clippy doc build unit demo e2e)

install() { "$here/install.sh"; }
install-packages() { "$here/install.sh" packages; }
fmt() { cargo fmt --check; }
clippy() { cargo clippy --quiet --all-targets --all-features -- -D warnings; }
doc() { RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps; }
build() { cargo build --all-targets; }
# tests mostly wait for servers: more of them at a time than there are cores
unit() {
    local campaign
    for campaign in chaos tempest; do
        python3 -B -m unittest discover --quiet --start-directory "$CVX_ROOT/tests/$campaign"
    done
    RUST_TEST_THREADS=${RUST_TEST_THREADS:-6} with_services rabbit,mariadb,postgres cargo test --no-fail-fast
}
demo() {
    # present from the first version that has something to show
    if [[ -x $here/demo.sh ]]; then run "$here/demo.sh"; else echo "no tests/lab/demo.sh: nothing to show"; fi
}
e2e() { run "$CVX_ROOT/tests/e2e/run.sh"; }
# too long for every change: not among those of a plain run
chaos() { run "$CVX_ROOT/tests/chaos/run.sh"; }
tempest() {
    "$here/install.sh" tempest
    run "$CVX_ROOT/tests/tempest/run.sh"
}

with_services() { run "$here/services.py" run --with "$1" -- "${@:2}"; }

# Runs a command so that a signal to this script reaches it, and waits for its clean-up.
run() {
    local status=0
    "$@" &
    child=$!
    wait "$child" || status=$?
    # a trapped signal ends the first wait early
    while kill -0 "$child" 2>/dev/null; do wait "$child" || status=$?; done
    child=
    return "$status"
}
child=
passed_on() {
    trap - EXIT
    [[ -z $child ]] || { kill -TERM "$child" 2>/dev/null || true; wait "$child" || true; }
    echo "test.sh: ended by a signal in stage $stage" >&2
    exit 130
}
trap passed_on INT TERM HUP

table=() began=$SECONDS stage=none
report() {
    local status=$?
    ((status)) && table+=("$(printf '%-10s %5d  FAILED' "$stage" $((SECONDS - since)))")
    echo
    echo "stage    seconds"
    printf '%s\n' "${table[@]}"
    printf '%-10s %5d\n' all $((SECONDS - began))
    if ((status)); then
        echo "FAILED in stage '$stage' (exit status $status)"
    else
        echo "all stages passed"
    fi
    exit "$status"
}
trap report EXIT

(($#)) || set -- "${all[@]}"
for stage in "$@"; do
    declare -F "$stage" >/dev/null || { since=$SECONDS; echo "no stage $stage: ${all[*]}" >&2; exit 64; }
    printf '\n==> %s\n' "$stage"
    since=$SECONDS
    "$stage"
    table+=("$(printf '%-10s %5d' "$stage" $((SECONDS - since)))")
done
exit 0
}
