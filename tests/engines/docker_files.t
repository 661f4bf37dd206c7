#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docker's options that shape the file system: mounts, volumes, devices, a read-only root.
# shellcheck disable=SC2016,SC2119
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/docker_lib.sh
source "$HERE/docker_lib.sh"

# propagation PATH: "mounted" and the optional fields of that mount in the container at $PID, without their numbers.
propagation() {
    awk -v path="$1" '$5 == path { printf "mounted"; for (i = 7; $i != "-"; i++) { sub(/:.*/, "", $i); printf " %s", $i } }' \
        "/proc/$PID/mountinfo"
}

# seen_after CONTAINER: what the source has, and a mount that the host makes in it after the start, seen from inside.
seen_after() {
    mkdir -p "$SCRATCH/source/late"
    mount -t tmpfs late "$SCRATCH/source/late"
    touch "$SCRATCH/source/late/later"
    docker exec "$1" sh -c 'echo $(cat /there/word) $(ls /there/late)'
    umount "$SCRATCH/source/late"
}

bind_mounts() {
    mkdir "$SCRATCH/source"
    mount --bind "$SCRATCH/source" "$SCRATCH/source"
    mount --make-shared "$SCRATCH/source"
    echo word >"$SCRATCH/source/word"
    check_run "--volume binds a folder" word --volume "$SCRATCH/source:/there" bb cat /there/word
    check_run "--volume :ro" "read-only" --volume "$SCRATCH/source:/there:ro" bb \
        sh -c 'touch /there/no 2>/dev/null || echo read-only'
    check_run "--mount type=bind of a file" word --mount "type=bind,src=$SCRATCH/source/word,dst=/etc/word,readonly" bb \
        cat /etc/word
    check_match "a source that is not there is told" \
        "$(docker run --rm --mount type=bind,src=/nowhere,dst=/there bb true 2>&1 || true)" 'does not exist: /nowhere'
    local mode wanted seen
    while IFS='|' read -r mode wanted seen; do
        if start_sleeper bound --mount "type=bind,src=$SCRATCH/source,dst=/there,bind-propagation=$mode"; then
            check_equal "MO-$mode bind-propagation=$mode" "$(propagation /there)" "mounted$wanted"
            check_equal "bind-propagation=$mode: later mounts of the host" "$(seen_after bound)" "$seen"
        fi
        end_sleeper bound
    done <<'EOT'
rprivate||word
private||word
rslave| master|word later
slave| master|word later
EOT
    if start_sleeper bound --mount "type=bind,src=$SCRATCH/source,dst=/there,bind-propagation=rshared" --cap-add SYS_ADMIN; then
        check_match "MO-rshared bind-propagation=rshared" "$(propagation /there)" '^mounted shared$'
        mkdir "$SCRATCH/source/inner"
        docker exec bound busybox mount -t tmpfs inner /there/inner
        check_status "bind-propagation=rshared: the container's mounts come out" 0 mountpoint -q "$SCRATCH/source/inner"
        docker exec bound busybox umount /there/inner
    fi
    end_sleeper bound
    umount "$SCRATCH/source"
}

volumes() {
    docker volume create kept >/dev/null
    check_run "a named volume is filled from the image, with its owners" "1000 app" \
        --volume kept:/home bb sh -c 'echo from-first >/home/word; echo $(stat -c %u /home/app) $(ls /home | head -n 1)'
    check_run "a named volume is kept" from-first --volume kept:/home bb cat /home/word
    check_run "--volumes-from" from-first --volumes-from "$(docker create --volume kept:/home --name holder bb)" bb cat /home/word
    docker rm holder >/dev/null
    check_run "--mount volume-nocopy" "" --mount type=volume,dst=/home,volume-nocopy bb ls /home
    docker volume rm kept >/dev/null
    docker run --rm --volume /data bb touch /data/x
    check_equal "--rm takes nameless volumes along" "$(docker volume ls -q)" ""
}

temporary() {
    check_run "--tmpfs with its options" "tmpfs 1024 1770 noexec" --tmpfs /data:size=1m,mode=1770,noexec bb \
        sh -c 'echo $(busybox df -k /data | tail -n 1 | busybox awk "{ print \$1, \$2 }") $(stat -c %a /data) $(grep " /data " /proc/mounts | grep -o noexec)'
    check_run "M-10 --tmpfs at a new place is everybody's" 1777 --user app --tmpfs /new/place bb \
        sh -c 'touch /new/place/x && stat -c %a /new/place'
    check_run "--tmpfs noexec is felt" 126 --tmpfs /data:noexec bb \
        sh -c 'busybox cp /bin/busybox /data/sh; /data/sh -c true 2>/dev/null; echo $?'
    check_run "--mount type=tmpfs with mode and size" "2048 700" \
        --mount type=tmpfs,dst=/data,tmpfs-size=2m,tmpfs-mode=0700 bb \
        sh -c 'echo $(busybox df -k /data | tail -n 1 | busybox awk "{ print \$2 }") $(stat -c %a /data)'
    check_run "--read-only" "read-only" --read-only bb sh -c 'touch /x 2>/dev/null || echo read-only'
    check_run "--read-only leaves --tmpfs and /dev/shm" "written" --read-only --tmpfs /tmp bb \
        sh -c 'touch /tmp/x /dev/shm/x && echo written'
    check_run "--read-only with a mount at a new place is still made" "word" --read-only \
        --volume "$SCRATCH/fs/etc/passwd:/new/place" bb sh -c 'test -s /new/place && echo word'
    check_run "docker's own files" "box 10.9.8.7 nameserver" --hostname box --add-host other:10.9.8.7 --dns 10.1.1.1 \
        --network bridged bb sh -c 'echo $(cat /etc/hostname) $(grep other /etc/hosts | grep -o "^[0-9.]*") $(grep -o nameserver /etc/resolv.conf | head -n 1)'
}

devices() {
    check_run "--device is there, and no other" "c 1 5" --device /dev/zero:/dev/zeroes bb \
        sh -c 'echo c $((0x$(stat -c %t /dev/zeroes))) $((0x$(stat -c %T /dev/zeroes)))'
    check_run "--device may be read" 00000000 --device /dev/zero:/dev/zeroes:r bb \
        sh -c 'head -c 4 /dev/zeroes | busybox od -An -tx1 | busybox tr -d " \n"'
    start_sleeper holder --device /dev/kmsg:/dev/messages:r --cap-add SYSLOG || return 0
    check_match "--device DEVICE:r is a rule of the cgroup" "$(device_access "$PID")" ' kmsg:r '
    check_equal "--device DEVICE:r may not be written" \
        "$(docker exec holder sh -c 'echo x 2>/dev/null >/dev/messages || echo denied' 2>/dev/null)" denied
    check_status "--device DEVICE:r may be opened to read" 0 docker exec holder sh -c ': </dev/messages'
    check_equal "RD-01 a device that is not allowed is refused" \
        "$(docker exec --privileged holder sh -c 'busybox mknod /tmp/memory c 1 1; cat /tmp/memory 2>&1 | grep -o "not permitted"')" \
        "not permitted"
    end_sleeper holder
    check_run "--device-cgroup-rule" 0 --device-cgroup-rule 'c 1:11 rwm' --cap-add MKNOD --cap-add SYSLOG bb \
        sh -c 'busybox mknod /tmp/messages c 1 11; : </tmp/messages; echo $?'
}

# dockerd makes the namespace, and a prestart hook of its own, libnetwork-setkey, plugs it in.
network() {
    docker network create --driver bridge bridged >/dev/null
    start_sleeper plugged --network bridged || return 0
    check_match "TRAP-53 TRAP-54 docker's hook has plugged an interface in" "$(docker exec plugged ip -o addr show eth0)" \
        "inet $(docker inspect --format '{{.NetworkSettings.Networks.bridged.IPAddress}}' plugged)/"
    local gateway
    gateway=$(docker inspect --format '{{.NetworkSettings.Networks.bridged.Gateway}}' plugged)
    check_status "and its host answers" 0 docker exec plugged busybox ping -c 1 -W 5 "$gateway"
    check_run "--network container: shares it" "eth0 lo" --network container:plugged bb \
        sh -c 'echo $(ls /sys/class/net | grep -x "lo\|eth0")'
    docker network disconnect bridged plugged
    check_equal "it can be unplugged" "$(docker exec plugged ls /sys/class/net | grep -c eth || true)" 0
    docker network connect bridged plugged
    check_equal "and plugged in again" "$(docker exec plugged ls /sys/class/net | grep -c eth || true)" 1
    end_sleeper plugged
}

use_docker
use_image
warm_up
before=$(leftovers "${STATE_FOLDERS[@]}")
bind_mounts
volumes
network
temporary
devices
docker network rm bridged >/dev/null
check_nothing_left "nothing is left after all of them" "$before" "${STATE_FOLDERS[@]}"
finish
