#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What else ctr can ask of a container: user namespaces, namespaces of others, devices, limits, signals, checkpoints.
# shellcheck disable=SC2016 # the container's shell expands it
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/containerd_lib.sh
source "$HERE/containerd_lib.sh"

options() {
    if start_sleeper mapped --uidmap 0:100000:65536 --gidmap 0:100000:65536; then
        check_equal "--uidmap: root inside is another user on the host" "$(status_field "$PID" Uid)" \
            "100000 100000 100000 100000"
        check_match "and has a user namespace" "$(own_namespaces "$PID")" "user"
        check_equal "in which it is root" "$(said ctr task exec --exec-id user mapped id -u)" 0
    fi
    end_sleeper mapped
    if start_sleeper first; then
        local namespaces=(--with-ns "pid:/proc/$PID/ns/pid" --with-ns "ipc:/proc/$PID/ns/ipc") first=$PID
        if start_sleeper second "${namespaces[@]}"; then
            check_equal "--with-ns: the pid namespace of another container" "$(readlink "/proc/$PID/ns/pid")" \
                "$(readlink "/proc/$first/ns/pid")"
            check_equal "and its ipc namespace" "$(readlink "/proc/$PID/ns/ipc")" \
                "$(readlink "/proc/$first/ns/ipc")"
            check_status "TRAP-01 the exit status of an exec beside another container's PID 1" 5 \
                ctr task exec --exec-id status second sh -c 'exit 5'
        fi
        end_sleeper second
    fi
    end_sleeper first
    if start_sleeper plain --no-pivot --allow-new-privs --pid-file "$SCRATCH/ctr.pid" --cgroup /of-mine/plain; then
        check_equal "--no-pivot runs" "$(said ctr task exec --exec-id pivot plain cat /proc/self/comm)" cat
        check_equal "--allow-new-privs" "$(status_field "$PID" NoNewPrivs)" 0
        check_equal "--pid-file" "$(cat "$SCRATCH/ctr.pid")" "$PID"
        check_match "--cgroup" "$(cat "/proc/$PID/cgroup")" ":/of-mine/plain"
    fi
    end_sleeper plain
    wait_until 5 remove_groups of-mine || true # ctr's user made it
    if start_sleeper nowhere --cgroup ''; then
        check_match "--cgroup '' is a cgroup of the container's name" "$(cat "/proc/$PID/cgroup")" '/nowhere'
    fi
    end_sleeper nowhere
    check_equal "--rootfs: a folder that is no image" \
        "$(said ctr run --runc-binary "$RUNTIME" --rm --rootfs "$SCRATCH/fs" c /bin/echo word)" word
    echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]}' \
        >"$SCRATCH/profile.json"
    check_match "--seccomp-profile" \
        "$(said run --rm --seccomp --seccomp-profile "$SCRATCH/profile.json" "$BB" c mkdir /new 2>&1 || true)" \
        "Operation not permitted"
    check_equal "--env-file" "$(said run --rm --env-file <(echo A=B) "$BB" c env | grep '^A=')" A=B
    local status=0
    run --rm --memory-limit 16777216 "$BB" c sh -c 'a=x; while :; do a=$a$a; done' >/dev/null 2>&1 || status=$?
    check_equal "a container that runs out of memory is killed" "$status" 137
}

# The driver is an option of ctr's, and so is the unit.
units() {
    if start_sleeper unit --runc-systemd-cgroup --cgroup tasks.slice:ctr:unit --memory-limit 67108864; then
        check_equal "--runc-systemd-cgroup" "$(group_of "$PID")" /tasks.slice/ctr-unit.scope
        check_equal "its limit is systemd's" "$(systemctl show --property=MemoryMax --value ctr-unit.scope)" 67108864
        check_equal "and the kernel's" "$(limit_of "$PID" memory)" 67108864
        check_match "exec joins it" "$(said ctr task exec --exec-id group unit cat /proc/self/cgroup)" ctr-unit
        ctr task pause unit
        check_equal "CALL-17 paused" "$(limit_of "$PID" frozen)" FROZEN
        ctr task resume unit
    fi
    end_sleeper unit
    wait_until 5 remove_groups tasks || true
    check_equal "CALL-14 no unit stays" "$(systemctl list-units --all --plain --no-legend 'ctr-*')" ""
}

# in_container NAME FILE: waits for a file that the container writes; its content.
in_container() {
    wait_until 5 test -s "/proc/$PID/root/$2" || true
    cat "/proc/$PID/root/$2"
}

is_stopped() {
    [[ $(status_of "$1") == STOPPED ]]
}

signals() {
    run -d "$BB" trapping sh -c 'for n in 15 10 37; do trap "echo $n >>/tmp/seen" $n; done; echo ready >/tmp/seen
        while :; do sleep 0.05; done' >/dev/null
    PID=$(pid_of trapping)
    in_container trapping /tmp/seen >/dev/null
    local number lines=1
    has_lines() {
        (($(wc -l <"/proc/$PID/root/tmp/seen") >= $1))
    }
    for number in SIGTERM SIGUSR1 37; do
        ctr task kill -s "$number" trapping
        wait_until 5 has_lines $((++lines)) || true
    done
    check_equal "CALL-10 kill 15, 10 and 37 arrive" "$(tr '\n' ' ' <"/proc/$PID/root/tmp/seen")" "ready 15 10 37 "
    ctr task exec --detach --exec-id sleeper trapping sleep 5432
    ctr task kill --exec-id sleeper -s SIGKILL trapping
    gone() {
        ! ctr task exec --exec-id "ps$RANDOM" trapping ps | grep -q 'sleep 5432'
    }
    wait_until 5 gone || true
    check_status "kill of an exec ends that and no more" 0 gone
    check_equal "the container still runs" "$(status_of trapping)" RUNNING
    ctr task exec --detach --exec-id other trapping sleep 6543
    check_status "CALL-12 kill --all" 0 ctr task kill --all -s SIGKILL trapping
    wait_until 5 is_stopped trapping || true
    check_equal "ends the container" "$(status_of trapping)" STOPPED
    check_equal "and everything in it" "$(pgrep -fc 'sleep 6543' || true)" 0
    check_match "CALL-11 a signal after death is an error" "$(ctr task kill -s SIGTERM trapping 2>&1 || true)" \
        "not found|not running|already finished"
    check_status "so is resume" 1 ctr task resume trapping
    end_sleeper trapping
}

paused() {
    start_sleeper frozen || return 0
    ctr task pause frozen
    check_equal "CALL-17 paused: the freezer says so" "$(limit_of "$PID" frozen)" FROZEN
    check_match "ps of a paused container" "$(ctr task ps frozen)" "$PID"
    check_match "metrics of a paused container" "$(ctr task metrics frozen 2>&1)" memory
    ctr task resume frozen
    check_equal "CALL-17 resumed: the freezer says so" "$(limit_of "$PID" frozen)" THAWED
    end_sleeper frozen
}

metric() {
    ctr task metrics "$1" | awk -v name="$2" '$1 == name { print $2 }'
}

metrics() {
    local processor=cpuacct.usage memory=memory.usage_in_bytes limit=memory.limit_in_bytes
    ! is_v2 || processor=cpu.usage_usec memory=memory.usage limit=memory.usage_limit
    run -d --memory-limit 67108864 "$BB" busy sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; exec sleep 1000' \
        >/dev/null
    used() {
        (($(metric busy "$processor") > 0 && $(metric busy "$memory") > 0))
    }
    check_status "metrics: processor time and memory are not zero" 0 wait_until 10 used
    check_equal "metrics: the limit" "$(metric busy "$limit")" 67108864
    check_equal "metrics: the processes" "$(metric busy pids.current)" 1
    end_sleeper busy
}

# A counter that goes on where it was shows that the memory came back.
checkpoints() {
    local reason at first images
    if ! reason=$(criu check 2>&1); then
        skip "CALL-20 CALL-22 checkpoint and restore" "criu check: $(head -n 1 <<<"$reason")"
        return
    fi
    # The file is empty for a moment whenever it is written.
    count_of() {
        local count=
        until [[ -n $count ]]; do
            count=$(cat "/proc/$PID/root/tmp/count") || return
        done
        echo "$count"
    }
    run -d --null-io "$BB" counting sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/tmp/count; sleep 0.01; done' \
        >/dev/null
    PID=$(pid_of counting)
    has_counted() {
        (($(count_of) >= 60))
    }
    wait_until 20 has_counted || true
    at=$(count_of)
    mkdir -p "$SCRATCH/image" "$SCRATCH/work"
    check_status "CALL-20 task checkpoint, and the container goes on" 0 \
        ctr task checkpoint --image-path "$SCRATCH/image" --work-path "$SCRATCH/work" counting
    check_status "with CRIU's log in the work path" 0 test -s "$SCRATCH/work/dump.log"
    images=$(find "$SCRATCH/image" -name 'core-*.img' | wc -l)
    check_match "and its images in the image path: of its processes" "$images" '^[1-9]'
    check_equal "and of the memory of each" "$(find "$SCRATCH/image" -name 'mm-*.img' | wc -l)" "$images"
    check_equal "it runs" "$(status_of counting)" RUNNING
    check_status "CALL-20 container checkpoint with its task" 0 \
        ctr container checkpoint --task --rw --image counting counted
    end_sleeper counting
    check_status "CALL-22 container restore" 0 ctr container restore --live --rw restored counted
    PID=$(pid_of restored)
    first=$(count_of)
    has_changed() {
        (($(count_of) != first))
    }
    # One that began anew would find the old number, and then write 1.
    wait_until 5 has_changed || true
    check_status "goes on where it was: from $at or later" 0 test "$first" -ge "$at"
    check_status "and counts up from there" 0 test "$(count_of)" -gt "$first"
    check_equal "and runs" "$(status_of restored)" RUNNING
    check_equal "exec in what was restored" "$(said ctr task exec --exec-id after restored echo word)" word
    end_sleeper restored
    ctr image rm counted >/dev/null
    mkdir -p "$SCRATCH/last"
    if start_sleeper leaving; then
        check_status "CALL-20 task checkpoint --exit" 0 \
            ctr task checkpoint --exit --image-path "$SCRATCH/last" --work-path "$SCRATCH/last" leaving
        wait_until 5 is_stopped leaving || true
        check_equal "ends the container" "$(status_of leaving)" STOPPED
    fi
    end_sleeper leaving
}

PATH=${BUILD:-$HERE/../../build}/criu:$PATH # what the shim and the runtime inherit
use_containerd
place=()
! with_systemd || place=(--runc-systemd-cgroup --cgroup system.slice:ctr:warm-up)
run --rm "${place[@]}" "$BB" warm-up true >/dev/null 2>&1 || true
before=$(leftovers "${STATE_FOLDERS[@]}")
if with_systemd; then
    units
else
    options
    signals
    paused
    metrics
    checkpoints
fi
check_nothing_left "nothing is left after all of them" "$before" "${STATE_FOLDERS[@]}"
finish
