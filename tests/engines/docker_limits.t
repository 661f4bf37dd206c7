#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docker's limits, seen in the cgroup, felt inside, changed by update and told by stats.
# shellcheck disable=SC2016,SC2119
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/docker_lib.sh
source "$HERE/docker_lib.sh"

limit() {
    limit_of "$PID" "$1"
}

at_start() {
    local name wanted option of_v1=()
    is_v2 || of_v1=(--memory-swappiness 33 --oom-kill-disable)
    start_sleeper limited --memory 64m --memory-swap 96m --memory-reservation 48m "${of_v1[@]}" \
        --cpus 0.5 --cpuset-cpus 0 --cpuset-mems 0 --pids-limit 44 || return 0
    while read -r name wanted option; do
        check_equal "$option" "$(limit "$name")" "$wanted"
    done <<'EOT'
memory 67108864 RES-memory.limit --memory
memory+swap 100663296 RES-memory.swap --memory-swap
reservation 50331648 RES-memory.reservation --memory-reservation
quota 50000 RES-cpu.quota --cpus
period 100000 RES-cpu.period --cpus
cpus 0 RES-cpu.cpus --cpuset-cpus
mems 0 RES-cpu.mems --cpuset-mems
pids 44 RES-pids --pids-limit
EOT
    if is_v2; then
        skip "RES-memory.swappiness --memory-swappiness" "cgroup v2 has none"
        skip "RES-memory.disableOOMKiller --oom-kill-disable" "cgroup v2 has none"
    else
        check_equal "RES-memory.swappiness --memory-swappiness" "$(cgroup_file "$PID" memory memory.swappiness)" 33
        check_match "RES-memory.disableOOMKiller --oom-kill-disable" "$(cgroup_file "$PID" memory memory.oom_control)" \
            'oom_kill_disable 1'
    fi
    end_sleeper limited
    start_sleeper limited --cpu-period 50000 --cpu-quota 20000 --cpu-shares 99 || return 0
    check_equal "--cpu-period, --cpu-quota and --cpu-shares" \
        "$(limit period) $(limit quota) $(limit shares)" "50000 20000 $(as_shares 99)"
    end_sleeper limited
}

felt_inside() {
    check_match "RES-pids --pids-limit is felt" "$(docker run --rm --pids-limit 5 bb \
        sh -c 'for i in 1 2 3 4 5 6; do sleep 1 & done' 2>&1 || true)" "can't fork"
    check_run "--cpuset-cpus is felt" 0 --cpuset-cpus 0 bb sh -c 'grep Cpus_allowed_list /proc/self/status | grep -o "[0-9]*$"'
    check_run "a container is pinned to no processor by default" "$(nproc)" bb busybox nproc
    check_status "a container over its memory is killed" 137 docker run --name greedy --memory 8m --memory-swap 8m bb \
        sh -c 'head -c 64m /dev/zero | tail'
    check_equal "docker knows why" "$(inspect greedy State.OOMKilled) $(inspect greedy State.ExitCode)" "true 137"
    docker rm greedy >/dev/null
    docker run -d --name modest --memory 16m bb sh -c 'sleep 0.1' >/dev/null
    check_equal "and of another that it was not that" "$(docker wait modest) $(inspect modest State.OOMKilled)" "0 false"
    docker rm modest >/dev/null
}

# block_device: NAME NUMBER of one of the machine's, such as "/dev/vda 254:0".
block_device() {
    local dev
    for dev in /sys/block/*; do
        [[ -b /dev/${dev##*/} ]] && echo "/dev/${dev##*/} $(cat "$dev/dev")" && return
    done
}

block_io() {
    local name number
    read -r name number < <(block_device) || true
    if [[ -z ${name:-} ]]; then
        skip "--device-read-bps" "this machine has no block device"
    elif start_sleeper slow --device-read-bps "$name:1mb" --device-write-bps "$name:2mb" \
        --device-read-iops "$name:30" --device-write-iops "$name:40"; then
        check_equal "RES-blockIO.throttleReadBpsDevice --device-read-bps" \
            "$(limit read_bps)" "$number 1048576"
        check_equal "RES-blockIO.throttleWriteBpsDevice --device-write-bps" \
            "$(limit write_bps)" "$number 2097152"
        check_equal "RES-blockIO.throttleReadIOPSDevice --device-read-iops" \
            "$(limit read_iops)" "$number 30"
        check_equal "RES-blockIO.throttleWriteIOPSDevice --device-write-iops" \
            "$(limit write_iops)" "$number 40"
    fi
    end_sleeper slow
    if [[ ! -e /sys/fs/cgroup/blkio/blkio.weight ]]; then
        skip "RES-blockIO.weight --blkio-weight" "dockerd drops it where there is no blkio.weight"
    elif start_sleeper weighed --blkio-weight 300; then
        check_equal "RES-blockIO.weight --blkio-weight" "$(cgroup_file "$PID" blkio blkio.weight)" 300
    fi
    end_sleeper weighed
}

# The example of docker's manual: each step is seen in the cgroup, and what it does not name stays.
changes() {
    start_sleeper changing --memory 64m --memory-swap 64m --cpus 0.5 --pids-limit 44 || return 0
    check_status "CALL-19 update --memory with --memory-swap" 0 docker update --memory 128m --memory-swap 256m changing
    check_equal "TRAP-52 both have grown" "$(limit memory) $(limit memory+swap)" \
        "134217728 268435456"
    docker update --memory 16m --memory-swap 32m changing >/dev/null
    check_equal "TRAP-52 and shrunk" "$(limit memory) $(limit memory+swap)" \
        "16777216 33554432"
    docker update --cpus 1.5 changing >/dev/null
    check_equal "update --cpus" "$(limit quota)" 150000
    check_equal "pids stay until they are named" "$(limit pids)" 44
    docker update --pids-limit 55 changing >/dev/null
    check_equal "update --pids-limit" "$(limit pids)" 55
    docker update --pids-limit -1 changing >/dev/null
    check_equal "update --pids-limit -1 lifts the limit" "$(limit pids)" max
    check_match "an impossible update is told" "$(docker update --cpuset-cpus 4000 changing 2>&1 || true)" \
        'not available|invalid argument|numerical result out of range'
    check_equal "and changes nothing" "$(limit quota) $(status_of changing)" "150000 running"
    docker pause changing >/dev/null
    check_status "a paused container can be updated" 0 docker update --memory 20m --memory-swap 20m changing
    check_equal "and is" "$(limit memory)" 20971520
    docker unpause changing >/dev/null
    docker update --restart on-failure:4 changing >/dev/null
    check_equal "update --restart" "$(inspect changing HostConfig.RestartPolicy.Name)" on-failure
    docker kill changing >/dev/null
    docker update --memory 24m --memory-swap 24m changing >/dev/null
    docker start changing >/dev/null
    PID=$(pid_of changing)
    check_equal "an update of a stopped container is there at its next start" "$(limit memory)" 25165824
    end_sleeper changing
}

# --no-stream measures for two seconds; so all containers at once.
statistics() {
    docker run -d --name idle --memory 32m bb sleep 1000 >/dev/null
    docker run -d --name busy --cpuset-cpus 0 --cpus 0.3 bb sh -c 'sleep 1000 & while :; do :; done' >/dev/null
    sleep 0.5
    local idle busy
    read -r idle busy < <(docker stats --no-stream --format '{{.MemUsage}};{{.PIDs}};{{.CPUPerc}}' idle busy |
        tr -d ' ' | tr '\n' ' ') || true
    check_match "stats: memory in use and its limit" "$idle" '^[1-9][0-9.]*[KM]iB/32MiB;'
    check_match "stats: one process, no work" "$idle" ';1;[0-4]\.[0-9]*%$'
    check_match "stats: two processes at work" "$busy" ';2;([1-9]|[1-9][0-9]+)\.[0-9]*%$'
    docker rm -f idle busy >/dev/null
}

parents() {
    local folder
    folder=$(basename "$(parent_named family)")
    if start_sleeper child --cgroup-parent "$(parent_named family)"; then
        check_match "--cgroup-parent" "$(group_of "$PID")" "^$(group_named "$(inspect child Id)" family)\$"
        docker run -d --name sister --cgroup-parent "$(parent_named family)" --memory 16m bb sleep 1000 >/dev/null
        check_equal "two share a parent" "$(find "$GROUPS_AT/$folder" -mindepth 1 -type d | wc -l)" 2
        docker rm -f sister >/dev/null
        check_equal "the end of one leaves the other" "$(find "$GROUPS_AT/$folder" -mindepth 1 -type d | wc -l)" 1
    fi
    end_sleeper child
    wait_until 5 remove_groups family
}

use_docker
use_image
warm_up
before=$(leftovers "${STATE_FOLDERS[@]}")
at_start
felt_inside
block_io
changes
statistics
parents
check_nothing_left "nothing is left after all of them" "$before" "${STATE_FOLDERS[@]}"
finish
