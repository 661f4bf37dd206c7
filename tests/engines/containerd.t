#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The lesson through containerd: its runc shim calls BRIG (ctr --runc-binary).
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
if [[ -z ${BRIG_TEST_SANDBOX:-} ]]; then
    exec "$HERE/../sandbox" "$HERE/containerd.t"
fi
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/containerd_lib.sh
source "$HERE/containerd_lib.sh"

lesson_isolation() {
    start_sleeper lesson || return 0
    check_equal "sleep is PID 1 inside" "$(pid_inside "$PID")" 1
    check_match "and has another PID on the host" "$PID" '^([2-9]|[1-9][0-9]+)$'
    check_equal "it is sleep itself" "$(cat "/proc/$PID/comm")" sleep
    check_equal "in namespaces of its own" "$(own_namespaces "$PID" | sed 's/^cgroup //')" \
        "ipc mnt net pid uts"
    check_equal "root by default" "$(status_field "$PID" Uid)" "0 0 0 0"
    local field
    for field in CapEff CapPrm CapBnd; do
        check_equal "the default capabilities and no more: $field" \
            "$(status_field "$PID" "$field")" "$FOURTEEN_CAPS"
    done
    check_equal "ctr forbids new privileges" "$(status_field "$PID" NoNewPrivs)" 1
    check_equal "no descriptors but stdio" "$(cd "/proc/$PID/fd" && echo *)" "0 1 2"
    check_equal "its task is running" \
        "$(ctr task ls | awk '$1 == "lesson" { print $3 }')" RUNNING
    check_match "CALL-15 X-02 task ps knows its processes" "$(ctr task ps lesson)" "(^|[^0-9])$PID([^0-9]|\$)"
}

lesson_exec() {
    exec_in() {
        ctr task exec --exec-id "x$RANDOM" "$@"
    }
    check_equal "CALL-07 exec runs as the container's user" "$(said exec_in lesson id -u)" 0
    check_equal "exec has the container's capabilities" \
        "$(said exec_in lesson grep CapEff /proc/self/status | cut -f 2)" "$FOURTEEN_CAPS"
    check_equal "exec --cwd" "$(said exec_in --cwd /tmp lesson pwd)" /tmp
    check_status "exec passes the exit code on" 7 exec_in lesson sh -c 'exit 7'
    check_status "exec of a missing program fails" 1 exec_in lesson /no/such
    check_match "CALL-08 exec --tty gives a terminal" \
        "$(said on_terminal task exec --tty --exec-id tty lesson tty)" '/dev/pts/[0-9]+'
    exec_in --detach lesson touch /tmp/detached
    if wait_until 5 test -e "/proc/$PID/root/tmp/detached"; then
        ok "exec --detach does its work"
    else
        not_ok "exec --detach does its work"
    fi
    # The last: to look the user up, ctr mounts the overlay anew, after which the container cannot write.
    check_equal "exec --user" "$(said exec_in --user 1000 lesson id -u)" 1000
}

lesson_foreground() {
    check_equal "output of a foreground container" "$(said run --rm "$BB" c echo word)" word
    check_status "CALL-02 CALL-06 its exit code" 3 run --rm "$BB" c sh -c 'exit 3'
    check_status "TRAP-18 a missing program is an error" 1 run --rm "$BB" c /no/such
    check_match "X-01 TRAP-39 and the message says so" "$(said run --rm "$BB" c /no/such 2>&1 || true)" \
        'no such file or directory|not found'
    check_match "CALL-03 TRAP-03 run --tty gives a terminal" \
        "$(said on_terminal run --runc-binary "$RUNTIME" --rm --tty "$BB" c tty)" '/dev/(pts/0|console)'
    check_equal "an entry in the environment" \
        "$(said run --rm --env A=B "$BB" c env | grep '^A=')" A=B
    check_equal "--cwd" "$(said run --rm --cwd /tmp "$BB" c pwd)" /tmp
    check_status "--read-only" 1 run --rm --read-only "$BB" c touch /no
    mkdir -p "$SCRATCH/volume"
    check_status "--mount" 0 run --rm \
        --mount "type=bind,src=$SCRATCH/volume,dst=/data,options=rbind:rw" "$BB" c touch /data/made
    check_equal "and the host sees it" "$(ls "$SCRATCH/volume")" made
}

lesson_identity() {
    if IMAGE=$USER_IMAGE start_sleeper user; then
        check_equal "an image with USER 1000" "$(status_field "$PID" Uid)" "1000 1000 1000 1000"
        check_equal "its user holds no capability" "$(status_field "$PID" CapEff)" 0000000000000000
    fi
    end_sleeper user
    if start_sleeper added --cap-add CAP_MAC_ADMIN; then
        check_equal "--cap-add CAP_MAC_ADMIN adds it and no more" "$(status_field "$PID" CapEff)" \
            "$(with_capability "$FOURTEEN_CAPS" "$CAP_MAC_ADMIN")"
    fi
    end_sleeper added
    if start_sleeper dropped --cap-drop CAP_KILL; then
        check_equal "--cap-drop CAP_KILL drops it and no more" "$(status_field "$PID" CapEff)" \
            "$(without_capability "$FOURTEEN_CAPS" "$CAP_KILL")"
    fi
    end_sleeper dropped
    if start_sleeper privileged --privileged; then
        check_equal "--privileged has all that this machine can give" \
            "$(status_field "$PID" CapEff)" "$(every_capability)"
    fi
    end_sleeper privileged
    if start_sleeper filtered --seccomp; then
        check_equal "--seccomp" "$(status_field "$PID" Seccomp)" 2
    fi
    end_sleeper filtered
    if start_sleeper shared --net-host; then
        check_equal "--net-host" "$(own_namespaces "$PID" | sed 's/^cgroup //')" "ipc mnt pid uts"
    fi
    end_sleeper shared
}

lesson_limits() {
    if start_sleeper limited --memory-limit 67108864 --cpu-shares 333; then
        check_equal "--memory-limit" "$(limit_of "$PID" memory)" 67108864
        check_equal "--cpu-shares" "$(limit_of "$PID" shares)" "$(as_shares 333)"
        # The shim reads every controller's files anew for each call; now and then one call is in vain.
        has_metrics() {
            ctr task metrics limited | grep -q memory
        }
        wait_until 5 has_metrics || true
        check_match "task metrics" "$(ctr task metrics limited 2>&1)" 'memory'
    fi
    end_sleeper limited
}

lesson_lifecycle() {
    start_sleeper made || return 0
    check_status "task pause" 0 ctr task pause made
    check_equal "CALL-17 pause is known" "$(ctr task ls | awk '$1 == "made" { print $3 }')" PAUSED
    check_status "task resume" 0 ctr task resume made
    check_equal "CALL-17 resume is known" "$(ctr task ls | awk '$1 == "made" { print $3 }')" RUNNING
    check_status "X-02 X-03 task kill" 0 ctr task kill -s SIGKILL made
    is_stopped() {
        ctr task ls | grep -qE '^made .*STOPPED'
    }
    wait_until 5 is_stopped || true
    check_equal "CALL-10 kill ends it" "$(ctr task ls | awk '$1 == "made" { print $3 }')" STOPPED
    check_match "CALL-13 task delete tells the exit code" "$(ctr task delete made 2>&1)" 'exit code 137'
    check_status "container rm" 0 ctr container rm made
}

! with_systemd || skip_all "ctr makes no unit unless it is told its name"
use_containerd
run --rm "$BB" warm-up true >/dev/null 2>&1 || true
before=$(leftovers "${STATE_FOLDERS[@]}")
lesson_isolation
lesson_exec
end_sleeper lesson
check_nothing_left "nothing is left after rm" "$before" "${STATE_FOLDERS[@]}"
lesson_foreground
lesson_identity
lesson_limits
lesson_lifecycle
check_nothing_left "nothing is left after all of them" "$before" "${STATE_FOLDERS[@]}"
finish
