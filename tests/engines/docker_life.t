#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docker's life cycle: stop, kill, wait, restart policies, health, exit codes, and a daemon that dies.
# shellcheck disable=SC2016,SC2119
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/docker_lib.sh
source "$HERE/docker_lib.sh"

# life NAME OPTION... -- COMMAND...: a detached container.
life() {
    local name=$1 options=()
    shift
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift
    docker run -d --name "$name" "${options[@]}" bb "$@" >/dev/null
}

# said NAME WORD: the container's log holds the word.
said() {
    docker logs "$1" 2>&1 | grep -q "$2"
}

endings() {
    life trapper --stop-signal USR1 -- sh -c 'trap "exit 21" USR1; trap "exit 22" TERM; echo ready; while :; do sleep 0.05; done'
    wait_until 5 said trapper ready || true
    docker stop -t 10 trapper >/dev/null
    check_equal "--stop-signal is what stop sends" "$(inspect trapper State.ExitCode)" 21
    docker start trapper >/dev/null
    ready_again() {
        [[ $(docker logs trapper | grep -c ready) == 2 ]]
    }
    wait_until 5 ready_again || true
    docker kill --signal TERM trapper >/dev/null
    check_equal "CALL-10 kill --signal TERM" "$(docker wait trapper)" 22
    docker rm trapper >/dev/null
    life trapper -- sh -c 'trap "exit 23" 37; echo ready; while :; do sleep 0.05; done'
    wait_until 5 said trapper ready || true
    docker kill --signal 37 trapper >/dev/null
    check_equal "CALL-10 kill --signal 37" "$(docker wait trapper)" 23
    docker rm trapper >/dev/null
    life realtime -- sleep 1000
    local pid
    pid=$(pid_of realtime)
    docker restart -t 0 realtime >/dev/null
    check_equal "restart makes a new process" "$(status_of realtime) $(($(pid_of realtime) != pid))" "running 1"
    check_equal "restart counts as no failure" "$(inspect realtime RestartCount)" 0
    docker pause realtime >/dev/null
    docker kill realtime >/dev/null
    check_equal "CALL-17 kill reaches a paused container" "$(docker wait realtime)" 137
    check_match "kill of a stopped container is told" "$(docker kill realtime 2>&1 || true)" 'is not running'
    check_status "stop of a stopped container is nothing" 0 docker stop realtime
    docker rm realtime >/dev/null
    life paused -- sleep 1000
    docker pause paused >/dev/null
    check_match "exec in a paused container is told" "$(docker exec paused true 2>&1 || true)" 'is paused'
    docker rm -f paused >/dev/null
    check_equal "CALL-13 rm -f of a paused container" "$(docker ps -aq)" ""
    docker create --name never bb sleep 1 >/dev/null
    check_status "rm of what was never started" 0 docker rm never
}

# told NAME STATUS TEXT COMMAND...: docker's exit status, and that its message holds the text.
told() {
    local name=$1 wanted=$2 text=$3 status=0 output
    shift 3
    output=$(docker run --rm "$@" 2>&1) || status=$?
    if [[ $status == "$wanted" && $output =~ $text ]]; then
        ok "$name"
    else
        not_ok "$name" "exit status $status, wanted $wanted: $output"
    fi
}

exit_codes() {
    told "TRAP-59 127: no such program in PATH" 127 'exec: "nope": executable file not found in \$PATH' bb nope
    told "TRAP-39 TRAP-59 127: no such file" 127 '"/no/such": .*no such file or directory' bb /no/such
    told "TRAP-39 TRAP-59 126: not executable" 126 '"/bin/notexec": .*permission denied' bb /bin/notexec
    told "TRAP-45 126: a folder" 126 '"/etc": .*(permission denied|is a directory)' bb /etc
    told "TRAP-45 127: the container's PATH counts" 127 'executable file not found in \$PATH' -e PATH=/nowhere bb ls
    told "125: docker's own mistakes" 125 'unknown or invalid runtime name: nobody|Unknown runtime specified nobody' --runtime nobody bb true
    told "125: what the kernel refuses" 125 'invalid argument' --sysctl net.ipv4.ip_unprivileged_port_start=x bb true
    told "the program's own 125" 125 '^$' bb sh -c 'exit 125'
    told "128 + n of a signal" 143 '^$' --init bb sh -c 'kill -TERM $$'
    docker create --name broken bb nope >/dev/null
    check_match "start tells why, too" "$(docker start broken 2>&1 || true)" 'executable file not found'
    check_equal "and inspect" "$(inspect broken State.ExitCode)" 127
    check_status "what did not start can be removed" 0 docker rm broken
}

restart_policies() {
    life failing --restart on-failure:2 -- sh -c 'echo once; exit 3'
    life fine --restart on-failure:2 -- sh -c 'echo once; exit 0'
    life always --restart always --stop-signal KILL -- sleep 1000
    local pid
    pid=$(pid_of always)
    kill -KILL "$pid"
    restarted() {
        [[ $(inspect always RestartCount) == 1 && $(status_of always) == running && $(pid_of always) != "$pid" ]]
    }
    check_soon "--restart always starts anew after a kill from outside" restarted
    check_status "exec works in the new one" 0 docker exec always true
    docker stop -t 0 always >/dev/null
    sleep 0.3
    check_equal "but not after stop" "$(status_of always)" exited
    check_soon "--restart on-failure:2 gives up" inspect_is failing State.Status exited
    check_equal "after two more tries" "$(inspect failing RestartCount) $(docker logs failing | tr '\n' ' ')" "2 once once once "
    check_equal "and keeps the exit code" "$(inspect failing State.ExitCode)" 3
    check_equal "--restart on-failure leaves a success alone" "$(docker wait fine) $(inspect fine RestartCount)" "0 0"
    docker rm -f failing fine always >/dev/null
}

health() {
    life patient --health-cmd 'test -e /tmp/well' --health-interval 100ms --health-retries 2 -- sleep 1000
    check_soon "a health check fails" inspect_is patient State.Health.Status unhealthy
    docker exec patient touch /tmp/well
    check_soon "and recovers" inspect_is patient State.Health.Status healthy
    docker rm -f patient >/dev/null
}

# Without --live-restore a daemon stops its containers when it ends.
daemon_restart() {
    life always --restart always --stop-signal KILL -- sleep 1000
    life unless --restart unless-stopped --stop-signal KILL -- sleep 1000
    life stopped --restart unless-stopped --stop-signal KILL -- sleep 1000
    life plain --stop-signal KILL -- sleep 1000
    docker stop -t 0 stopped >/dev/null
    stop_dockerd TERM
    check_equal "a daemon that ends takes its containers along" "$(pgrep -c -x -f 'sleep 1000' || true)" 0
    start_dockerd
    check_soon "--restart always comes back with the daemon" inspect_is always State.Running true
    check_soon "--restart unless-stopped does" inspect_is unless State.Running true
    check_equal "what was stopped does not, nor what has no policy" "$(status_of stopped) $(status_of plain)" "exited exited"
    docker rm -f always unless stopped plain >/dev/null
}

live_restore() {
    stop_dockerd TERM
    start_dockerd --live-restore
    life kept -- sleep 1000
    life ends -- sh -c 'until test -e /tmp/go; do sleep 0.1; done; echo out; exit 7'
    life policy --restart always -- sleep 999
    local pid ends status=7
    pid=$(pid_of kept)
    ends=$(pid_of ends)
    stop_dockerd KILL
    check_equal "--live-restore: a killed daemon leaves the containers" "$(cat "/proc/$pid/comm")" sleep
    touch "/proc/$ends/root/tmp/go"
    check_soon "one of them ends meanwhile" test ! -e "/proc/$ends/root/bin"
    start_dockerd --live-restore
    check_equal "the new daemon finds the first" "$(status_of kept) $(pid_of kept)" "running $pid"
    # containerd 2 forgets what ended while it was away, whatever the runtime.
    [[ $(containerd --version) != *' 2.'* ]] || status=255
    check_equal "and how the second ended" "$(docker wait ends)" "$status"
    check_equal "exec into the first works" "$(docker exec kept sh -c 'echo $PPID; echo word' | tail -n 1)" word
    check_equal "its terminal, too" "$(docker exec -t kept sh -c 'test -t 0 && echo terminal' | tr -d '\r')" terminal
    check_match "top and stats know it" "$(docker top kept)" 'sleep 1000'
    docker update --pids-limit 66 kept >/dev/null
    check_equal "update reaches it" "$(limit_of "$pid" pids)" 66
    docker pause kept >/dev/null
    docker unpause kept >/dev/null
    docker stop -t 0 kept >/dev/null
    check_equal "stop ends it" "$(inspect kept State.ExitCode) $(cat "/proc/$pid/comm" 2>/dev/null)" "137 "
    docker start kept >/dev/null
    check_equal "and it starts again" "$(status_of kept)" running
    docker rm -f kept ends policy >/dev/null
}

# A shim that is killed leaves its container to containerd, which calls the runtime by another shim.
lost_shim() {
    life orphan --memory 16m -- sleep 1000
    local pid shim
    pid=$(pid_of orphan)
    shim=$(awk '{ print $4 }' "/proc/$pid/stat")
    check_equal "the container's parent is its shim" "$(cat "/proc/$shim/comm")" containerd-shim
    kill -KILL "$shim"
    check_soon "CALL-14 a killed shim's container is ended" inspect_is orphan State.Status exited
    check_equal "and its process" "$(cat "/proc/$pid/comm" 2>/dev/null)" ""
    docker start orphan >/dev/null
    check_equal "it starts again" "$(status_of orphan)" running
    docker rm -f orphan >/dev/null
}

# execs NAME: twenty commands in it at once, each with its own status.
execs() {
    local number jobs=() wrong=0 status
    for number in {1..20}; do
        docker exec "$1" sh -c "exit $number" >/dev/null 2>&1 &
        jobs[number]=$!
    done
    for number in {1..20}; do
        status=0
        wait "${jobs[number]}" || status=$?
        ((status == number)) || ((++wrong))
    done
    echo "$wrong"
}

reload() {
    sed -i "s|\"tested\": {|\"later\": {\"path\": \"$RUNTIME\"}, &|" "$DOCKER_DIR/daemon.json"
    kill -HUP "$DOCKERD"
    knows_later() {
        docker info 2>/dev/null | grep -q 'Runtimes:.* later'
    }
    check_soon "a reload makes another runtime known" knows_later
    check_run "and it works" word --runtime later bb echo word
}

crowd() {
    local number jobs=() cgroups
    for number in {1..20}; do
        docker run -d --name "crowd-$number" --memory "$((16 + number))m" bb sleep 1000 >/dev/null &
        jobs+=($!)
    done
    wait "${jobs[@]}" || true
    check_equal "twenty at once all run" "$(docker ps -q | wc -l)" 20
    cgroups=$(docker ps --format '{{.Names}}' | while read -r number; do
        echo "$number=$(($(limit_of "$(pid_of "$number")" memory) >> 20))"
    done | sort -V | tr '\n' ' ')
    check_equal "each has its own limit" "$cgroups" "$(for number in {1..20}; do echo "crowd-$number=$((16 + number))"; done | tr '\n' ' ')"
    check_equal "twenty execs at once each give their status" "$(execs crowd-7)" 0
    # shellcheck disable=SC2046
    docker rm -f $(docker ps -q) >/dev/null
    check_equal "and all end at once" "$(docker ps -aq)" ""
}

use_docker
use_image
warm_up
before=$(leftovers "${STATE_FOLDERS[@]}")
endings
exit_codes
restart_policies
health
lost_shim
reload
check_nothing_left "nothing is left of them" "$before" "${STATE_FOLDERS[@]}"
daemon_restart
live_restore
crowd
check_nothing_left "nothing is left after all of them" "$before" "${STATE_FOLDERS[@]}"
finish
