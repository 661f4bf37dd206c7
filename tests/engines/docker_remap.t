#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dockerd --userns-remap: containers whose root is nobody on the host; and its ways around.
# shellcheck disable=SC2016,SC2119
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/docker_lib.sh
source "$HERE/docker_lib.sh"

readonly FIRST=231072

# remapped_to UID: what this id of the container is on the host.
remapped_to() {
    echo $((FIRST + $1))
}

identity() {
    start_sleeper remapped || return 0
    check_equal "root of the container is nobody on the host" "$(status_field "$PID" Uid | cut -d ' ' -f 1)" "$(remapped_to 0)"
    check_equal "by dockerd's map" "$(awk '{ print $1, $2, $3 }' "/proc/$PID/uid_map")" "0 $FIRST 65536"
    check_equal "the same for groups" "$(awk '{ print $1, $2, $3 }' "/proc/$PID/gid_map")" "0 $FIRST 65536"
    check_equal "it has a user namespace of its own" "$(own_namespaces "$PID" | sed 's/^cgroup //')" "ipc mnt net pid user uts"
    check_equal "inside it is root" "$(docker exec remapped id -u)" 0
    check_equal "exec is in the same user namespace" "$(docker exec remapped busybox readlink /proc/self/ns/user)" \
        "$(readlink "/proc/$PID/ns/user")"
    check_equal "exec --user" "$(docker exec --user app remapped id -u)" 1000
    check_equal "exec has docker's capabilities" "$(docker exec remapped grep CapEff /proc/self/status | cut -f 2)" "$FOURTEEN_CAPS"
    check_equal "exec -t has a terminal that is the user's" \
        "$(docker exec -t --user app remapped sh -c 'echo on-tty >/dev/tty' | tr -d '\r')" on-tty
    check_equal "files of the container are the map's on the host" \
        "$(docker exec remapped touch /tmp/own; stat -c %u "/proc/$PID/root/tmp/own")" "$(remapped_to 0)"
    check_equal "the image's owners are mapped" "$(docker exec remapped stat -c %u /home/app)" 1000
    end_sleeper remapped
    check_run "--user" "7 8" --user 7:8 bb sh -c 'echo $(id -u) $(id -g)'
}

walls() {
    local secret=$SCRATCH/secret
    echo secret >"$secret"
    chmod 600 "$secret"
    check_run "a file of the host's root cannot be read" denied --volume "$secret:/secret" bb \
        sh -c 'cat /secret 2>/dev/null || echo denied'
    chown "$FIRST:$FIRST" "$secret"
    check_run "a file of the mapped root can" secret --volume "$secret:/secret" bb cat /secret
    check_run "devices cannot be made, even with MKNOD" denied --cap-add MKNOD bb \
        sh -c 'busybox mknod /tmp/null c 1 3 2>/dev/null || echo denied'
    check_run "the default devices are there all the same" "full null random tty urandom zero" bb \
        sh -c 'cd /dev; : >null; echo $(ls -d full null random tty urandom zero 2>/dev/null)'
    check_run "--sysctl net.* belongs to it" 77 --sysctl net.ipv4.ip_unprivileged_port_start=77 bb \
        cat /proc/sys/net/ipv4/ip_unprivileged_port_start
    check_run "--read-only, --tmpfs and a volume" "read-only; written; 1000" --read-only --tmpfs /tmp --volume kept:/home bb \
        sh -c 'touch /x 2>/dev/null || echo -n "read-only; "; touch /tmp/x && echo -n "written; "; stat -c %u /home/app'
    docker volume rm kept >/dev/null
}

limits() {
    start_sleeper limited --memory 32m --pids-limit 22 --init || return 0
    check_equal "limits are set by the host" \
        "$(limit_of "$PID" memory) $(limit_of "$PID" pids)" "33554432 22"
    docker update --pids-limit 33 limited >/dev/null
    check_equal "and changed" "$(limit_of "$PID" pids)" 33
    docker pause limited >/dev/null
    check_equal "pause" "$(status_of limited)" paused
    docker unpause limited >/dev/null
    check_match "top shows them" "$(docker top limited)" 'sleep 1000'
    check_status "stop reaches it" 0 docker stop -t 10 limited
    end_sleeper limited
}

around() {
    if start_sleeper plain --userns host; then
        check_equal "--userns host: root is the host's" "$(status_field "$PID" Uid)" "0 0 0 0"
        check_equal "--userns host: no user namespace" "$(own_namespaces "$PID" | sed 's/^cgroup //')" "ipc mnt net pid uts"
    fi
    end_sleeper plain
    check_status "--privileged needs --userns host" 125 docker run --rm --privileged bb true
    check_status "and then works" 0 docker run --rm --privileged --userns host bb test -c /dev/kmsg
    start_sleeper first --ipc shareable || return 0
    check_run "--network, --ipc and --pid container: share the user namespace too" "sleep 1000" \
        --network container:first --ipc container:first --pid container:first bb sh -c 'ps -o args | grep "^sleep"'
    end_sleeper first
    docker network create --driver bridge bridged >/dev/null
    check_match "a network is plugged in" "$(docker run --rm --network bridged bb ip -o addr show eth0)" 'inet 1'
    docker network rm bridged >/dev/null
}

building() {
    printf '%s\n' 'FROM bb' 'RUN id -u && touch /by-root' 'USER app' 'RUN touch /home/app/by-user' >"$SCRATCH/Dockerfile"
    mkdir -p "$SCRATCH/empty"
    check_status "build works" 0 docker build -t built -f "$SCRATCH/Dockerfile" "$SCRATCH/empty"
    check_run "and its files have their owners" "0 1000" built sh -c 'echo $(stat -c %u /by-root /home/app/by-user)'
}

# Only this program's view of the two files changes.
printf '%s\n' "nobody:$FIRST:65536" "nogroup:$FIRST:65536" >"$SCRATCH/subid"
for file in /etc/subuid /etc/subgid; do
    [[ -e $file ]] || skip_all "this machine has no $file"
    mount --bind "$SCRATCH/subid" "$file"
done
chmod 711 "$SCRATCH"
use_docker --userns-remap nobody:nogroup
use_image
warm_up
before=$(leftovers "${STATE_FOLDERS[@]}")
identity
walls
limits
around
building
check_nothing_left "nothing is left after all of them" "$before" "${STATE_FOLDERS[@]}"
finish
