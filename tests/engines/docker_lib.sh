# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2317
# A private dockerd whose default runtime is RUNTIME. Sourced after lib.sh and lesson.sh.

ENGINE=docker
RUNC_RUN=(--runtime runc)
DOCKER_DIR=$SCRATCH/docker
DOCKER_EXEC_ROOT=/run/docker-exec
STATE_FOLDERS=(/run/brig /run/runc "$DOCKER_EXEC_ROOT/runtime-runc" "$DOCKER_EXEC_ROOT/containerd/daemon")
DOCKERD=0

# write_daemon_json: the runtime that is tested, plainly and with a script of dockerd's in front.
write_daemon_json() {
    cat >"$DOCKER_DIR/daemon.json" <<EOT
{"default-runtime": "tested", "exec-opts": ["native.cgroupdriver=${ENGINE_CGROUPS:-cgroupfs}"],
 "runtimes": {"tested": {"path": "$RUNTIME"},
              "with-arguments": {"path": "$RUNTIME", "runtimeArgs": ["--debug"]}}}
EOT
}

# The client that came with dockerd: a newer one beside it may leave building to a plug-in.
DOCKER_CLIENT=/usr/bin/docker
[[ -x $DOCKER_CLIENT ]] || DOCKER_CLIENT=docker

docker() {
    within 60 "$DOCKER_CLIENT" "$@"
}

# start_dockerd OPTION...: by the daemon.json in DOCKER_DIR; its pid goes to $DOCKERD.
start_dockerd() {
    mkdir -p "$DOCKER_DIR"
    # docker's client warns of a network that does not forward.
    echo 1 >/proc/sys/net/ipv4/ip_forward
    [[ -e $DOCKER_DIR/daemon.json ]] || write_daemon_json
    dockerd --config-file "$DOCKER_DIR/daemon.json" --data-root "$DOCKER_DIR/data" \
        --exec-root "$DOCKER_EXEC_ROOT" --pidfile "$DOCKER_DIR/pid" \
        --host "unix://$DOCKER_DIR/socket" --bridge=none --iptables=false --ip-forward=false \
        --ip-masq=false --storage-driver "${STORAGE_DRIVER:-overlay2}" "$@" >>"$DOCKER_DIR/log" 2>&1 &
    DOCKERD=$!
    wait_until 30 docker version || {
        tail -n 20 "$DOCKER_DIR/log"
        return 1
    }
}

# noting_program FILE NOTES: a script that hands each call to RUNTIME, and appends it to the notes.
noting_program() {
    mkdir -p "$(dirname "$1")"
    : >"$2"
    cat >"$1" <<EOT
#!/bin/sh
echo "\$*" >>$2
exec $RUNTIME "\$@"
EOT
    chmod +x "$1"
}

# stop_dockerd [SIGNAL]: and waits for it and the containerd that it started.
stop_dockerd() {
    kill -s "${1:-TERM}" "$DOCKERD"
    wait "$DOCKERD" 2>/dev/null || true
    wait_until 20 not_running dockerd containerd || true
}

# unplugged: BuildKit takes the network away a moment after its step; not, when dockerd stops meanwhile.
unplugged() {
    ! compgen -G '/sys/class/net/veth*' >/dev/null
}

# not_running NAME...: no process has one of these names.
not_running() {
    local name
    for name in "$@"; do
        ! pgrep -x "$name" >/dev/null || return 1
    done
}

# use_docker OPTION...: starts dockerd, and `docker` talks to it. BuildKit is asked for by name only.
use_docker() {
    need_programs dockerd docker containerd
    export DOCKER_HOST=unix://$DOCKER_DIR/socket DOCKER_CONFIG=$DOCKER_DIR DOCKER_BUILDKIT=0
    start_dockerd "$@"
}

# use_image: the image `bb` for that dockerd. From here on what fails is told by a check, and the rest goes on.
use_image() {
    make_rootfs "$SCRATCH/fs"
    make_image "$SCRATCH/bb.tar" "$SCRATCH/fs" bb:latest
    docker load -q -i "$SCRATCH/bb.tar" >/dev/null
    set +e
}

# group_named ID [PARENT]: the path of a container's cgroup, as dockerd chooses it.
group_named() {
    if with_systemd; then
        echo "/${2:-system}.slice/docker-$1.scope"
    else
        echo "/${2:-docker}/$1"
    fi
}

# inspect CONTAINER FIELD: what docker knows of it, such as State.ExitCode.
inspect() {
    docker inspect --format "{{.$2}}" "$1"
}

# inspect_is CONTAINER FIELD VALUE
inspect_is() {
    [[ $(inspect "$1" "$2") == "$3" ]]
}

# check_soon NAME COMMAND...: becomes true within ten seconds.
check_soon() {
    local name=$1
    shift
    if wait_until 10 "$@"; then
        ok "$name"
    else
        not_ok "$name" "after ten seconds still not: $*"
    fi
}
