#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dockerd of an ordinary user, in rootlesskit's namespaces, with his systemd as manager of cgroups or with none: the
# lesson, ids, limits, exec, signals, an image's USER, builds, networks, and what is left.
# shellcheck disable=SC2016 # it is the container's shell that expands
set -uo pipefail

# shellcheck source=tests/engines/rootless_lib.sh
source "$(dirname "$0")/rootless_lib.sh"
START=/usr/share/docker.io/contrib/dockerd-rootless.sh
[[ -x $START ]] || START=$(command -v dockerd-rootless.sh) || skip_all "there is no dockerd-rootless.sh"
need_programs dockerd docker rootlesskit slirp4netns newuidmap busybox
[[ -e /dev/net/tun ]] || skip_all "slirp4netns needs /dev/net/tun"

export DOCKER_HOST=unix://$SCRATCH/socket DOCKER_CONFIG=$SCRATCH DOCKER_BUILDKIT=0
STATE=$XDG_RUNTIME_DIR/docker-test
docker() {
    within 60 "$(type -P docker)" "$@"
}

# write_daemon_json: no network of docker's own, for that is done with iptables.
write_daemon_json() {
    cat <<EOT
{"default-runtime": "tested", "runtimes": {"tested": {"path": "$RUNTIME"}}, "bridge": "none", "iptables": false,
 "ip-forward": false, "ip-masq": false, "storage-driver": "overlay2"}
EOT
}

write_daemon_json >"$SCRATCH/daemon.json"
mkdir -p "$STATE"
# Not that of a dockerd which he may have.
export DOCKERD_ROOTLESS_ROOTLESSKIT_STATE_DIR=$SCRATCH/rootlesskit
/bin/sh "$START" --config-file "$SCRATCH/daemon.json" --data-root "$SCRATCH/data" --exec-root "$STATE" \
    --pidfile "$SCRATCH/pid" --host "$DOCKER_HOST" >"$SCRATCH/log" 2>&1 &
DOCKERD=$!
gone() {
    ! kill -0 "$1"
}

remove_all() {
    local ids
    mapfile -t ids < <(docker ps -aq)
    ((${#ids[@]} == 0)) || docker rm -f "${ids[@]}" >/dev/null
}

clean() {
    remove_all 2>/dev/null
    kill "$DOCKERD"
    wait_until 20 gone "$DOCKERD" || kill -KILL "$DOCKERD"
    # Layers are of users that only his namespace knows.
    rootlesskit rm -rf "$SCRATCH/data" "$STATE"
}
trap clean EXIT
wait_until 30 docker version || {
    not_ok "TRAP-56 dockerd starts" "$(tail -n 20 "$SCRATCH/log")"
    finish
    exit 1
}

make_rootfs "$SCRATCH/fs" 2>/dev/null
make_image "$SCRATCH/bb.tar" "$SCRATCH/fs" bb:latest
docker load -q -i "$SCRATCH/bb.tar" >/dev/null

in_bb() {
    docker run --rm --network none "$@"
}

# inspect NAME FIELD
inspect() {
    docker inspect --format "{{.$2}}" "$1"
}

# left: cgroups and state of containers.
left() {
    find /sys/fs/cgroup -name 'docker-*' -type d -user "$(id -un)" 2>/dev/null
    find "$STATE/runtime-runc/moby" -mindepth 1 -maxdepth 1 -not -name '.*'
}

nothing_left() {
    [[ -z $(left) ]]
}

rootless_lesson() {
    local pid
    docker run -d --name lesson --network none bb sleep 3600 >/dev/null
    # dockerd is in its user's pid namespace, not in one of rootlesskit's: its numbers are the host's.
    pid=$(inspect lesson State.Pid)
    check_match "TRAP-56 its state is in dockerd's folder" "$(left)" "/$(docker ps -q --no-trunc)"
    check_equal "TRAP-56 N-05 PID 1 inside" "$(docker exec lesson sh -c 'tr "\0" " " </proc/1/cmdline')" "sleep 3600 "
    check_equal "TRAP-56 and a process of the user on the host" "$(stat -c %u "/proc/$pid")" "$EUID"
    check_equal "TRAP-56 root is the user outside, by rootlesskit's map" \
        "$(docker exec lesson sh -c 'id -u; head -n 1 /proc/self/uid_map' | xargs)" "0 0 $EUID 1"
    check_equal "TRAP-56 P-19 exec --user: of his many ids" "$(docker exec --user 1000 lesson id -u)" 1000
    check_equal "TRAP-56 exec's exit status" "$(docker exec lesson sh -c 'exit 7'; echo $?)" 7
    check_match "TRAP-56 exec -t: a terminal" "$(docker exec -t lesson tty)" '^/dev/pts/[0-9]'
    docker kill --signal KILL lesson >/dev/null
    check_equal "TRAP-56 kill" "$(docker wait lesson)" 137
    docker rm -f lesson >/dev/null
    check_equal "TRAP-56 P-19 --user=1000" "$(in_bb --user 1000 bb id -u)" 1000
    check_match "TRAP-56 P-05 capabilities are docker's, limited" \
        "$(in_bb bb grep CapEff /proc/self/status)" '00000000a80425fb$'
    check_match "TRAP-56 P-05 --cap-drop KILL" "$(in_bb --cap-drop KILL bb grep CapEff /proc/self/status)" '00000000a80425db$'
    check_equal "TRAP-56 --privileged can mount" \
        "$(in_bb --privileged bb sh -c 'mount -t tmpfs none /tmp && echo mounted')" mounted
    check_equal "TRAP-56 a volume is written by root inside, and the user's outside" \
        "$(mkdir "$SCRATCH/volume" && in_bb -v "$SCRATCH/volume:/v" bb touch /v/x && stat -c %u "$SCRATCH/volume/x")" "$EUID"
}

rootless_image() {
    mkdir -p "$SCRATCH/build"
    printf 'FROM bb\nRUN id -u >/made\nUSER 1000\n' >"$SCRATCH/build/Dockerfile"
    check_status "TRAP-56 build" 0 docker build -q --network none -t made "$SCRATCH/build"
    check_equal "TRAP-56 an image's USER 1000, and what a step has written" "$(in_bb made sh -c 'id -u; cat /made' | xargs)" "1000 0"
}

rootless_limits() {
    local group
    check_equal "CALL-27 TRAP-56 CG-04 RES-memory.limit RES-pids RES-cpu.quota limits" \
        "$(in_bb --memory 50m --pids-limit 33 --cpus 0.5 bb sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max')" \
        $'52428800\n33\n50000 100000'
    docker run -d --name placed --network none bb sleep 1000 >/dev/null
    group=$(sed 's/^0:://' "/proc/$(inspect placed State.Pid)/cgroup")
    check_match "CALL-27 TRAP-56 CG-04 its scope is of the user's own systemd" "$group" \
        "/user@$EUID.service/user.slice/docker-[0-9a-f]{64}.scope\$"
    docker pause placed >/dev/null
    check_equal "TRAP-56 pause" "$(inspect placed State.Status)" paused
    docker unpause placed >/dev/null
    docker update --memory 60m --memory-swap 60m placed >/dev/null
    check_equal "TRAP-56 update" "$(docker exec placed cat /sys/fs/cgroup/memory.max)" $((60 << 20))
    docker rm -f placed >/dev/null
    check_status "TRAP-56 rm: the group is gone" 1 test -e "/sys/fs/cgroup$group"
}

rootless_lesson
rootless_image
if has_session; then
    rootless_limits
else
    check_equal "TRAP-56 a limit that dockerd drops, for want of a cgroup" "$(in_bb --memory 50m bb echo ran)" ran
fi
remove_all
wait_until 5 nothing_left || true
check_equal "TRAP-56 12 no container, state or group is left" "$(docker ps -aq; left)" ""
finish
