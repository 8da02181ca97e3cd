#!/usr/bin/env bash
# Installs what the tests need and is not there yet: Debian packages and, in the cache
# folder, one Python environment per constraints file. A repeat takes well under a second.
#
#   tests/lab/install.sh           everything that `make test` needs
#   tests/lab/install.sh packages  only the Debian packages
#   tests/lab/install.sh rabbitmq  only RabbitMQ and what building needs (the demo)
#   tests/lab/install.sh tempest   only Tempest's environment (its campaign)
#
# CVX_CACHE names the cache folder (default ~/.cache/cinder-volume-xtremio).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lab/env.sh
. "$here/env.sh"

# name of a Debian package and a file that only it brings
needs=(
    rabbitmq-server:/usr/lib/rabbitmq/bin/rabbitmq-server
    mariadb-server:/usr/sbin/mariadbd
    mariadb-client:/usr/bin/mariadb
    "postgresql:/usr/lib/postgresql/*/bin/initdb"
    memcached:/usr/bin/memcached
    openssl:/usr/bin/openssl
    # real disks behind the simulated array, and what reads and writes them without a kernel
    tgt:/usr/sbin/tgtd
    qemu-utils:/usr/bin/qemu-img
    "qemu-block-extra:/usr/lib/*/qemu/block-iscsi.so"
    gcc:/usr/bin/gcc
    libc6-dev:/usr/include/stdlib.h
    "python3-venv:/usr/lib/python3*/ensurepip/__init__.py"
    python3:/usr/bin/python3
)

missing_packages() {
    local need
    for need in "${needs[@]}"; do
        (($# == 0)) || [[ " $* " == *" ${need%%:*} "* ]] || continue
        compgen -G "${need#*:}" >/dev/null || printf '%s\n' "${need%%:*}"
    done
}

install_packages() {
    local missing=() as_root=()
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || return 0
    if ((EUID)); then
        command -v sudo >/dev/null || {
            echo "install.sh: not root and no sudo; install by hand: ${missing[*]}" >&2
            return 1
        }
        as_root=(sudo)
    fi
    echo "install.sh: apt-get install ${missing[*]}"
    # apt's own lock does not cover 'update', so runs side by side take turns here
    exec 8>"${TMPDIR:-/tmp}/cinder-volume-xtremio-apt-$EUID.lock"
    flock 8
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || return 0
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y
        -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3)
    "${apt[@]}" update 8>&-
    if [[ " ${missing[*]} " == *" qemu-block-extra "* ]]; then
        # its modules fit qemu-img of the very same version alone; a newer one may be there
        local version
        version=$(apt-cache policy qemu-block-extra | sed -n 's/^ *Candidate: //p')
        missing+=("qemu-utils=$version" "qemu-block-extra=$version")
        apt+=(--allow-downgrades)
    fi
    "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null 8>&-
    exec 8>&-
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]} == 0)) || { echo "install.sh: still missing: ${missing[*]}" >&2; return 1; }
}

# One environment per constraints file; the stamp holds the hash of what was installed.
# Environments cannot be moved, so one that broke off has no stamp and is built again.
install_venv() {
    local name=$1 constraints=$here/constraints-$2.txt
    local venv=$CVX_CACHE/venv-$name want
    want=$(sha256sum <"$constraints")
    [[ $(cat "$venv/.stamp" 2>/dev/null) == "$want" ]] && return 0
    exec 9>"$CVX_CACHE/venv-$name.lock"
    flock 9
    if [[ $(cat "$venv/.stamp" 2>/dev/null) != "$want" ]]; then
        echo "install.sh: Python environment $venv"
        rm -rf "$venv"
        "$(find_python)" -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input --retries 10 \
            --no-deps --requirement "$constraints" 9>&-
        "$venv/bin/pip" check --disable-pip-version-check >/dev/null
        printf '%s\n' "$want" >"$venv/.stamp"
    fi
    exec 9>&-
}

find_python() {
    local python
    for python in python3.11 /usr/bin/python3.11 python3; do
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    echo "install.sh: no CPython 3.11 with venv found (the pinned sets are for it)" >&2
    return 1
}

mkdir -p "$CVX_CACHE"
case ${1:-all} in
rabbitmq) install_packages rabbitmq-server openssl gcc libc6-dev python3 ;;
packages) install_packages ;;
tempest) install_venv tempest tempest ;;
all)
    install_packages
    install_venv 29.0.0 29.0.0 &
    services=$!
    install_venv clients clients
    wait "$services"
    ;;
*) echo "usage: $0 [all|packages|rabbitmq|tempest]" >&2; exit 64 ;;
esac
