#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The runtime in a chroot: the container's mount namespace must hold the container's root alone, not
# the tree around the chroot (setns and a chroot escape would find it there).
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
REPO=$(dirname "$(dirname "$HERE")")
if [[ -z ${BRIG_TEST_SANDBOX:-} ]]; then
    exec "$REPO/tests/sandbox" "$HERE/chroot.t"
fi
# shellcheck source=tests/engines/lib.sh
source "$REPO/tests/engines/lib.sh"
need_programs busybox nsenter

# make_jail DIR: a root with this machine's programs, the runtime and a bundle.
make_jail() {
    local jail=$1 name
    mkdir -p "$jail"/{proc,sys,dev,run,tmp,brig}
    for name in bin sbin lib lib64 usr etc; do
        if [[ -L /$name ]]; then
            cp -P "/$name" "$jail/$name"
        elif [[ -d /$name ]]; then
            mkdir "$jail/$name"
            mount --rbind "/$name" "$jail/$name"
        fi
    done
    for name in proc sys dev; do
        mount --rbind "/$name" "$jail/$name"
    done
    cp "$RUNTIME" "$jail/brig/brig"
    mkdir "$jail/bundle"
    cp "$REPO/bundles/sleep/config.json" "$jail/bundle/"
    "$REPO/bundles/make-rootfs" "$jail/bundle"
}

# try_jail DIR NAME
try_jail() {
    local jail=$1 name=$2 pid
    jailed() {
        timeout $((20 * ${BRIG_TEST_SLOWNESS:-1})) chroot "$jail" /brig/brig --root /run/state "$@"
    }
    if ! jailed run --detach --bundle /bundle --pid-file /tmp/pid jailed \
        </dev/null >"$SCRATCH/output" 2>&1; then
        not_ok "$name: a container runs" "$(cat "$SCRATCH/output")"
        return
    fi
    ok "$name: a container runs"
    pid=$(cat "$jail/tmp/pid")
    check_equal "$name: exec sees the container's root" \
        "$(jailed exec jailed ls / 2>&1 | tr '\n' ' ')" "bin dev etc lesson mnt proc root sys tmp "
    check_equal "$name: the namespace's root is the container's" \
        "$(nsenter --target "$pid" --mount /bin/busybox ls / 2>&1 | tr '\n' ' ')" \
        "bin dev etc lesson mnt proc root sys tmp "
    check_equal "$name: no mount of the host is left in it" \
        "$(nsenter --target "$pid" --mount /bin/busybox cat /proc/1/mountinfo |
            awk '$5 !~ "^/($|proc|dev|sys)"')" ""
    check_status "$name: it is removed" 0 jailed delete --force jailed
}

make_jail "$SCRATCH/plain"
try_jail "$SCRATCH/plain" "a chroot into a folder"
mkdir "$SCRATCH/mounted"
mount -t tmpfs tmpfs "$SCRATCH/mounted"
make_jail "$SCRATCH/mounted"
try_jail "$SCRATCH/mounted" "a chroot into a mount"
finish
