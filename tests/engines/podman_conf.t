#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The example for podman and buildah, man/examples/containers.conf, used as it is shipped and where the manual
# page says: brig stands at /usr/local/bin/brig, and nothing on the command line speaks of it.
set -uo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/podman_lib.sh
source "$HERE/podman_lib.sh"

EXAMPLE=$HERE/../../man/examples/containers.conf
# Where brig keeps its state, or the other runtime that is compared.
STATE=/run/$(basename "$RUNTIME")

# install_example: into this sandbox's own view of /etc and /usr/local.
install_example() {
    mkdir -p "$SCRATCH/bin" "$SCRATCH/etc"
    cp "$RUNTIME" "$SCRATCH/bin/brig"
    mount --bind "$SCRATCH/bin" /usr/local/bin
    cp -r /etc/containers/. "$SCRATCH/etc/"
    mkdir -p "$SCRATCH/etc/containers.conf.d"
    cp "$EXAMPLE" "$SCRATCH/etc/containers.conf.d/brig.conf"
    # What this machine needs has nothing to do with the runtime.
    write_podman_conf none | sed -n '1,/^\[engine\]/p; /^events_logger/p' >"$SCRATCH/etc/containers.conf"
    mount --bind "$SCRATCH/etc" /etc/containers
    unset CONTAINERS_CONF
    PODMAN=("$(type -P podman)" --root "$PODMAN_DIR/root" --runroot "$PODMAN_DIR/run" --tmpdir "$PODMAN_DIR/tmp"
        --storage-driver "${STORAGE_DRIVER:-overlay}")
}

conf_podman() {
    local id
    check_equal "podman knows it" "$(podman info --format '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}}')" \
        "brig /usr/local/bin/brig"
    check_equal "and says its version" "$(podman info --format '{{.Host.OCIRuntime.Version}}')" "$("$RUNTIME" --version)"
    id=$(podman run -d --name plain bb sleep 1000)
    check_equal "a container belongs to it" "$(podman inspect --format '{{.OCIRuntime}}' plain)" brig
    check_status "which has its state" 0 test -d "$STATE/$id"
    check_match "its cgroup is made by the driver that podman chooses" "$(group_of "$(pid_of plain)")" \
        "$(group_named "$id")"
    check_match "its errors come as JSON" "$(tr '\0' ' ' <"/proc/$(podman inspect --format '{{.State.ConmonPid}}' plain)/cmdline")" \
        'runtime-arg --log-format=json'
    check_equal "exec" "$(podman exec plain id -u)" 0
    check_status "stop" 0 podman stop -t 0 plain
    check_status "start again" 0 podman start plain
    check_status "rm" 0 podman rm -f -t 0 plain
    check_status "a missing program gives 127" 127 podman run --rm bb nope
    check_run "containers without a cgroup are allowed" on --cgroups disabled bb echo on
}

# keeps_state COMMAND...: while it runs, a container of buildah's has its state there.
keeps_state() {
    local status=1 job
    "$@" >"$SCRATCH/built" 2>&1 </dev/null &
    job=$!
    if wait_until 10 compgen -G "$STATE/buildah-*"; then
        status=0
    fi
    wait "$job" || status=2
    return "$status"
}

conf_builds() {
    printf 'FROM bb\nRUN sleep 1\n' >"$SCRATCH/Dockerfile"
    mkdir -p "$SCRATCH/context"
    check_status "podman build runs its steps by it" 0 keeps_state podman build --pull=never -t built \
        -f "$SCRATCH/Dockerfile" "$SCRATCH/context"
    podman rmi -f built >/dev/null
    local buildah=("$(type -P buildah)" --root "$PODMAN_DIR/root" --runroot "$PODMAN_DIR/run"
        --storage-driver "${STORAGE_DRIVER:-overlay}")
    "${buildah[@]}" from --name work --pull-never bb >/dev/null
    check_status "buildah runs by it" 0 keeps_state "${buildah[@]}" run work sleep 1
    "${buildah[@]}" rm work >/dev/null
}

need_programs buildah
prepare_podman
install_example
conf_podman
conf_builds
umount /etc/containers /usr/local/bin
check_nothing_left "nothing is left" "$BEFORE" "${STATE_FOLDERS[@]}"
finish
