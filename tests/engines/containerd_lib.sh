# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2317
# A private containerd, two images, and `ctr` whose containers RUNTIME makes. Sourced after lib.sh.

BB=docker.io/library/bb:latest
USER_IMAGE=docker.io/library/user:latest
STATE_FOLDERS=(/run/brig /run/runc /run/containerd/runc /run/containerd/io.containerd.runtime.v2.task)

run() {
    ctr run --runc-binary "$RUNTIME" "$@"
}

# said COMMAND...: what it says. ctr 1.6 gives up the output of what ends before ctr has opened its pipe, whatever the
# runtime; on a busy machine that happens.
said() {
    local round output=
    for round in 1 2 3; do
        output=$("$@") || true
        [[ -z $output ]] || break
    done
    echo "$output"
}

# pid_of CONTAINER
pid_of() {
    ctr task ls | awk -v name="$1" '$1 == name { print $2 }'
}

# start_sleeper NAME [OPTION...]: its pid goes to $PID. IMAGE may name another image.
start_sleeper() {
    local name=$1 output
    shift
    PID=0
    if output=$(run -d "$@" "${IMAGE:-$BB}" "$name" sleep 1000 2>&1); then
        PID=$(pid_of "$name")
    else
        not_ok "$name starts" "$output"
        return 1
    fi
}

end_sleeper() {
    ctr task kill -s SIGKILL "$1" >/dev/null 2>&1 || true
    wait_until 10 ctr task delete "$1" || true
    ctr container rm "$1" >/dev/null 2>&1 || true
}

# status_of CONTAINER: as ctr says it, RUNNING for one.
status_of() {
    ctr task ls | awk -v name="$1" '$1 == name { print $3 }'
}

# on_terminal COMMAND...: ctr wants a terminal of its own for --tty.
on_terminal() {
    SHELL=/bin/bash script -qec "$(printf '%q ' timeout --foreground $((30 * SLOWNESS)) ctr --address "$SCRATCH/containerd/socket" "$@")" /dev/null \
        </dev/null | sed 's/\r//g; s/\^@//g' # script's end of input is echoed
}

# use_containerd: starts a private containerd with the images BB and USER_IMAGE; `ctr` talks to it.
use_containerd() {
    need_programs containerd ctr
    local dir=$SCRATCH/containerd name
    mkdir -p "$dir"
    cat >"$dir/config.toml" <<EOT
version = 2
root = "$dir/data"
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$dir/socket"
EOT
    # ctr forgets --runc-binary when it has options for the task, such as --no-pivot or --uidmap.
    mkdir -p "$SCRATCH/bin"
    ln -s "$RUNTIME" "$SCRATCH/bin/runc"
    PATH=$SCRATCH/bin:$PATH
    containerd --config "$dir/config.toml" >"$dir/log" 2>&1 &
    ctr() {
        within 60 ctr --address "$SCRATCH/containerd/socket" "$@"
    }
    wait_until 30 ctr version || {
        tail -n 20 "$dir/log"
        return 1
    }
    make_rootfs "$SCRATCH/fs"
    make_image "$SCRATCH/bb.tar" "$SCRATCH/fs" bb:latest
    make_image "$SCRATCH/user.tar" "$SCRATCH/fs" user:latest 1000
    for name in bb user; do
        ctr image import "$SCRATCH/$name.tar" >/dev/null
    done
}
