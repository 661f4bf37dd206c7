#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A container's life under podman: stop, kill, restart, health, checkpoint, names, what others see of it, and
# twenty at once.
# shellcheck disable=SC2016 # it is the container's shell that expands
set -uo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/podman_lib.sh
source "$HERE/podman_lib.sh"

exit_code_of() {
    podman inspect --format '{{.State.ExitCode}}' "$1"
}

said() {
    podman logs "$1" 2>&1 | grep -q "$2"
}

# start_trap NAME COMMANDS OPTION...: a container that runs COMMANDS at SIGTERM, and is ready.
start_trap() {
    local name=$1 commands=$2
    shift 2
    podman run -d --name "$name" "$@" bb sh -c "trap '$commands' TERM USR1; echo ready; while :; do sleep 0.05; done" >/dev/null
    wait_until 5 said "$name" ready
}

life_stop() {
    local begun took
    start_trap soft 'exit 5'
    podman stop -t 10 soft >/dev/null
    check_equal "stop: SIGTERM and its exit code" "$(exit_code_of soft) $(status_of soft)" "5 exited"
    podman rm soft >/dev/null
    start_trap hard 'echo heard'
    begun=$EPOCHSECONDS
    podman stop -t 1 hard >/dev/null 2>&1
    took=$((EPOCHSECONDS - begun))
    check_equal "stop: SIGKILL when the time is over" "$(exit_code_of hard)" 137
    check_equal "stop: not before, and not long after: $took s" "$((took >= 1 && took <= 4 * SLOWNESS))" 1
    check_equal "stop: it had heard SIGTERM" "$(podman logs hard | tail -n 1)" heard
    podman rm hard >/dev/null
    start_trap other 'exit 6' --stop-signal USR1
    podman stop -t 10 other >/dev/null
    check_equal "stop: a signal of its own" "$(exit_code_of other)" 6
    podman rm other >/dev/null
    start_trap paused 'exit 7'
    podman pause paused >/dev/null
    check_status "exec in a paused container is refused" 255 podman exec paused true
    podman rm -f -t 0 paused >/dev/null
    check_status "rm -f of a paused container" 1 podman container exists paused
    start_trap timed 'exit 8' --timeout 1
    check_equal "TRAP-11 run --timeout: conmon ends its group and not itself" \
        "$(podman wait timed) $(status_of timed)" "-1 exited"
    podman rm timed >/dev/null
}

life_restart() {
    local before
    podman run -d --restart on-failure:2 --name again bb sh -c 'echo tried; exit 3' >/dev/null
    restarted() {
        [[ $(podman inspect --format '{{.RestartCount}} {{.State.Status}}' again) == "2 exited" ]]
    }
    wait_until 10 restarted
    check_equal "--restart on-failure:2" "$(podman logs again | wc -l) $(exit_code_of again)" "3 3"
    podman rm -f -t 0 again >/dev/null
    podman run -d --restart always --name again bb sh -c 'echo tried; test -e /again && exec sleep 1000; touch /again' \
        >/dev/null
    twice() {
        (($(podman logs again | wc -l) == 2)) && [[ $(status_of again) == running ]]
    }
    check_equal "--restart always after an exit code of 0" "$(wait_until 10 twice && echo yes)" yes
    podman stop -t 0 again >/dev/null
    check_equal "--restart always ends with stop" "$(status_of again)" exited
    podman rm -f -t 0 again >/dev/null
    start_sleeper again
    before=$PID
    podman restart -t 0 again >/dev/null
    check_equal "restart is another process" "$([[ $(pid_of again) != "$before" ]] && status_of again)" running
    podman stop -t 0 again >/dev/null
    podman start again >/dev/null
    check_equal "a stopped one starts with its files" "$(podman exec again echo on)" on
    podman rename again called
    check_equal "rename while it runs" "$(podman exec called echo on)" on
    podman container clone --name twin called >/dev/null
    podman start twin >/dev/null
    check_equal "container clone" "$(podman exec twin cat /proc/1/comm)" sleep
    podman container clone --memory 64m --name third called >/dev/null
    podman start third >/dev/null
    check_equal "container clone with another limit" "$(limit_of "$(pid_of third)" memory)" \
        67108864
    podman rm -f -t 0 called twin third >/dev/null
}

life_health() {
    podman run -d --name health --health-cmd 'test -e /tmp/well' --health-retries 1 bb sleep 1000 >/dev/null 2>&1
    check_status "healthcheck run of the ill" 1 podman healthcheck run health
    podman exec health touch /tmp/well
    check_status "healthcheck run of the well" 0 podman healthcheck run health
    check_equal "its state" "$(podman inspect --format '{{.State.Health.Status}}' health)" healthy
    podman rm -f -t 0 health >/dev/null
}

life_seen() {
    start_sleeper seen --init --user 1000 --label a=b
    check_match "--init is PID 1 and reaps" "$(podman exec --user 0 seen sh -c \
        'tr "\0" " " </proc/1/cmdline; (sleep 0.01 & exec true); sleep 0.2; grep -l "^State:.Z" /proc/[0-9]*/status | wc -l')" \
        'init -- sleep 1000 0'
    check_match "top with podman's columns" "$(podman top seen pid hpid user capeff seccomp args | tail -n 1)" \
        "app +none +filter +sleep 1000"
    podman run -d --name seen-by-root bb sleep 1000 >/dev/null
    check_match "top with ps's own options" "$(podman top seen-by-root -o pid,args 2>&1)" 'sleep 1000'
    podman rm -f -t 0 seen-by-root >/dev/null
    check_match "stats" "$(podman stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' seen)" '^2 [0-9.]+[kM]?B'
    check_equal "ps with a filter" "$(podman ps --filter label=a=b --format '{{.Names}}')" seen
    check_equal "inspect" "$(podman inspect --format '{{.State.Running}} {{.OCIRuntime}}' seen)" \
        "true $RUNTIME"
    end_sleeper seen
    podman run --name lines bb sh -c 'echo one; echo two >&2; echo three' >/dev/null 2>&1
    check_equal "logs: both streams and half a line" "$(podman logs lines 2>/dev/null | tr '\n' ' ')" "one three "
    check_equal "logs --tail" "$(podman logs --tail 1 lines 2>&1 | wc -l)" 1
    podman rm lines >/dev/null
    podman run -d --name follow bb sh -c 'echo one; sleep 0.5; echo two' >/dev/null
    check_equal "logs --follow ends with it" "$(podman logs --follow follow | tr '\n' ' ')" "one two "
    podman rm -f follow >/dev/null
    check_equal "a megabyte of output arrives whole" \
        "$(podman run --rm bb head -c 1000000 /dev/zero | wc -c)" 1000000
    check_equal "TRAP-10 a reader that goes away ends the writer" \
        "$(podman run --rm bb sh -c 'busybox yes 2>/dev/null | head -n 1')" y
    podman run -d --rm --name brief bb true >/dev/null
    absent() {
        ! podman container exists brief
    }
    check_equal "--rm of a detached container cleans up" "$(wait_until 5 absent && echo yes)" yes
    podman create --name never bb true >/dev/null
    podman init never >/dev/null
    check_equal "init: created, not started" "$(status_of never)" initialized
    check_status "CALL-39 rm of a container that was created and not started" 0 podman rm never
}

COUNTER='while :; do i=$((i + 1)); echo $i >/tmp/count; sleep 0.05; done'

# What podman asks CRIU for through the runtime; podman.t has the simple ways.
life_checkpoint() {
    local PATH=${BUILD:-$HERE/../../build}/criu:$PATH name=$SCRATCH/trip.tar.gz
    if ! criu check >/dev/null 2>&1; then
        skip "CALL-42 checkpoint" "no criu that works on this kernel"
        return
    fi
    noting run -d --name trip bb sh -c "$COUNTER" >/dev/null
    wait_until 5 podman exec trip test -s /tmp/count
    check_status "CALL-42 checkpoint, while it runs on" 0 noting container checkpoint --leave-running --file-locks \
        --tcp-established --export "$name" trip
    check_noted "CALL-43 checkpoint --help comes first" ' : checkpoint --help$'
    check_noted "CALL-42 as podman calls it" '^PATH XDG_RUNTIME_DIR : checkpoint --image-path [^ ]+/checkpoint --work-path [^ ]+/userdata .*--leave-running .*--tcp-established .*[0-9a-f]{64}$'
    check_equal "it runs on" "$(status_of trip)" running
    podman rm -f -t 0 trip >/dev/null
    check_status "CALL-34 restore" 0 noting container restore --import "$name" --file-locks --tcp-established
    check_noted "CALL-34 as conmon calls it" ' restore --bundle [^ ]+ --pid-file [^ ]+ .*--detach .*--image-path [^ ]+ --work-path [^ ]+ .*--tcp-established .*[0-9a-f]{64}$'
    check_match "CALL-34 and it goes on counting" "$(last=$(podman exec trip cat /tmp/count) && sleep 0.3 &&
        (($(podman exec trip cat /tmp/count) > last && last > 1)) && echo on)" on
    podman rm -f -t 0 trip >/dev/null
}

# A container of one pod goes on in another.
life_pod_restore() {
    local PATH=${BUILD:-$HERE/../../build}/criu:$PATH target
    if ! criu check >/dev/null 2>&1; then
        skip "CALL-43 restore into a pod" "no criu that works on this kernel"
        return
    fi
    podman pod create --name origin --share net,ipc,uts >/dev/null
    target=$(podman pod create --name target --share net,ipc,uts)
    noting run -d --pod origin --name walker bb sh -c "$COUNTER" >/dev/null
    wait_until 5 podman exec walker test -s /tmp/count
    podman container checkpoint --export "$SCRATCH/walker.tar.gz" walker >/dev/null
    podman pod rm -f -t 0 origin >/dev/null
    podman pod start target >/dev/null
    check_status "CALL-43 restore into a pod" 0 noting container restore --import "$SCRATCH/walker.tar.gz" \
        --pod "$target" --name arrived
    check_noted "CALL-43 podman asks by a missing argument who can do that" ' : restore --lsm-mount-context$'
    check_equal "restore into a pod: in its network" "$(readlink "/proc/$(pid_of arrived)/ns/net")" \
        "$(readlink "/proc/$(pid_of "$(podman pod inspect --format '{{.InfraContainerID}}' target)")/ns/net")"
    podman pod rm -f -t 0 target >/dev/null
}

start_one() {
    podman run -d --name "many-$1" --memory 32m --label many bb sleep 1000
}

life_many() {
    check_equal "twenty containers start at once" "$(start_many 20 start_one)" ""
    check_equal "all of them run, each in a cgroup of its own" \
        "$(podman inspect --format '{{.State.Pid}}' many-{1..20} | while read -r PID; do
            group_of "$PID"; done | sort -u | wc -l)" 20
    check_equal "exec in all of them at once" "$(start_many 20 exec_one)" ""
    check_status "all are removed at once" 0 podman rm -f -t 0 --filter label=many
    check_equal "and none is left" "$(podman ps -aq)" ""
}

exec_one() {
    [[ $(podman exec "many-$1" sh -c "echo $1") == "$1" ]]
}

prepare_podman
life_stop
life_restart
life_health
life_seen
life_checkpoint
life_pod_restore
life_many
# podman forgets a pod's cgroup in hierarchies that it does not know, whatever the runtime.
rmdir /sys/fs/cgroup/{systemd,unified}/libpod_parent/* 2>/dev/null
check_nothing_left "nothing is left of these lives" "$BEFORE" "${STATE_FOLDERS[@]}"
finish
