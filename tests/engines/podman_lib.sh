# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2317
# A private podman that calls RUNTIME, and ways to see its calls. Sourced after lib.sh and lesson.sh.

ENGINE=podman
RUNC_GLOBAL=(--runtime runc)
REMOVE=(rm -f -t 0)
PODMAN_DIR=$SCRATCH/podman
STATE_FOLDERS=(/run/brig /run/runc /run/crun "$SCRATCH/tmp" "$PODMAN_DIR"/{run,root}/overlay-containers)
PODMAN=()

# write_podman_conf NETWORK: containers.conf as this machine needs it, and brig's own entries.
write_podman_conf() {
    local name files processes
    name=$(basename "$RUNTIME")
    files=$(ulimit -Hn)
    processes=$(ulimit -Hu)
    # podman asks for more open files than a machine without CAP_SYS_RESOURCE may give.
    [[ $files != unlimited ]] || files=1048576
    [[ $processes != unlimited ]] || processes=-1
    cat <<EOT
[containers]
netns = "$1"
default_ulimits = ["nofile=$files:$files", "nproc=$processes:$processes"]
[engine]
cgroup_manager = "${ENGINE_CGROUPS:-cgroupfs}"
events_logger = "file"
runtime_supports_json = ["runc", "crun", "$name"]
runtime_supports_nocgroup = ["crun", "$name"]
runtime_supports_nocgroups = ["crun", "$name"]
EOT
}

# use_podman [NETWORK]: from here on `podman` is a private one. A container has that network when it does not
# ask for another: `none` is much quicker than podman's `bridge`.
use_podman() {
    need_programs podman conmon
    mkdir -p "$PODMAN_DIR" "$SCRATCH/tmp"
    # podman's locks lie there, and the sandbox does not hide those of the machine's podman.
    mount -t tmpfs tmpfs /dev/shm
    # As podman and `ip netns` leave it, once they have made a network namespace.
    mkdir -p /run/netns
    mount --bind /run/netns /run/netns
    mount --make-rshared /run/netns
    export CONTAINERS_CONF=$PODMAN_DIR/containers.conf TMPDIR=$SCRATCH/tmp
    write_podman_conf "${1:-bridge}" >"$CONTAINERS_CONF"
    PODMAN=("$(type -P podman)" --root "$PODMAN_DIR/root" --runroot "$PODMAN_DIR/run" --tmpdir "$PODMAN_DIR/tmp"
        --storage-driver "${STORAGE_DRIVER:-overlay}" --runtime "$RUNTIME")
    podman() {
        within 60 "${PODMAN[@]}" "$@"
    }
}

# group_named ID [POD]: the path of a container's cgroup, as podman chooses it.
group_named() {
    if with_systemd; then
        echo "/machine.slice/${2:+machine-libpod_pod_$2.slice/}libpod-$1.scope"
    else
        echo "/libpod_parent/${2:+$2/}libpod-$1"
    fi
}

# load_image: the image `bb`, made of busybox.
load_image() {
    make_rootfs "$SCRATCH/fs"
    make_image "$SCRATCH/bb.tar" "$SCRATCH/fs" bb:latest
    podman load -q -i "$SCRATCH/bb.tar" >/dev/null
    podman tag localhost/bb:latest bb
}

# prepare_podman: all that a program with cases of its own needs; BEFORE has what was there.
prepare_podman() {
    is_idle() {
        ! pgrep -x 'conmon|podman'
    }
    use_podman none
    load_image
    podman run --rm bb true >/dev/null
    DEFAULT_CAPS=$(podman run --rm bb grep CapBnd /proc/self/status | cut -f 2)
    wait_until 10 is_idle || true
    BEFORE=$(leftovers "${STATE_FOLDERS[@]}")
}

# noting ARG...: podman whose containers belong to a runtime that writes each of its calls to $SCRATCH/noted:
# the names of its environment when they are few, a colon, its arguments.
noting() {
    local program=$SCRATCH/noting/${RUNTIME##*/}
    if [[ ! -e $program ]]; then
        mkdir -p "$SCRATCH/noting"
        cat >"$program" <<EOT
#!/bin/sh
names=\$(tr '\\0' '\\n' </proc/\$\$/environ | cut -d = -f 1 | sort | tr '\\n' ' ')
test \${#names} -lt 40 || names="many "
echo "\$names: \$*" >>"$SCRATCH/noted"
exec "$RUNTIME" "\$@"
EOT
        chmod 755 "$program"
    fi
    : >"$SCRATCH/noted"
    within 60 "${PODMAN[@]}" --runtime "$program" "$@"
}

# check_noted NAME PATTERN: one call of the last noting podman, or of those after it, looks like that; podman 5
# does not wait for its last ones.
check_noted() {
    if wait_until 5 grep -Eq -- "$2" "$SCRATCH/noted"; then
        ok "$1"
    else
        not_ok "$1" "no '$2' among: $(cat "$SCRATCH/noted")"
    fi
}
