#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The calls that dockerd and containerd's shim make, word by word: the runtime is a script that notes them and
# hands them to BRIG.
# shellcheck disable=SC2016,SC2119
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/docker_lib.sh
source "$HERE/docker_lib.sh"

CALLS=$SCRATCH/calls
readonly ID='[0-9a-f]{64}' BUNDLE="$DOCKER_EXEC_ROOT/containerd/daemon/io.containerd.runtime.v2.task/moby/[0-9a-f]{64}"
readonly GLOBALS="--root $DOCKER_EXEC_ROOT/runtime-runc/moby --log $BUNDLE/log.json --log-format json${DRIVER:+( ${DRIVER% })?}"

# called NAME WORDS [COUNT]: a noted call has the shim's globals and then exactly these words.
called() {
    local count
    count=$(grep -cxE -- "$GLOBALS $2" "$CALLS" || true)
    if [[ -n ${3:-} ]]; then
        check_equal "$1" "$count" "$3"
    else
        check_equal "$1" "$((count > 0))" 1
    fi
}

# act COMMAND...: the calls of this alone are looked at next.
act() {
    : >"$CALLS"
    "$@" >"$SCRATCH/output" 2>&1 </dev/null || true
}

start_and_end() {
    act docker run --name whole bb sh -c 'echo out; exit 5'
    called "CALL-02 create with bundle and pid file" "create --bundle $BUNDLE --pid-file $BUNDLE/init.pid $ID" 1
    called "CALL-06 start" "start $ID" 1
    called "CALL-13 delete of a stopped container" "delete $ID" 1
    check_equal "CALL-14 the shim's last delete: by force, the log's folder is there or gone" \
        "$(grep -cxE -- "$GLOBALS delete --force $ID" "$CALLS" || true)" 1
    check_equal "no other call is made" "$(grep -vcE ' (create|start|delete) ' "$CALLS" || true)" 0
    check_equal "TRAP-35 and the program's output is all" "$(cat "$SCRATCH/output")" out
    docker rm whole >/dev/null
    act docker run --name whole -t bb sh -c 'tty >/tmp/tty; exit 5'
    called "CALL-03 create with a console socket" \
        "create --bundle $BUNDLE --pid-file $BUNDLE/init.pid --console-socket /[^ ]+ $ID" 1
    check_equal "CALL-03 TRAP-03 run -t comes back with the status" "$(inspect whole State.ExitCode)" 5
    docker rm whole >/dev/null
    docker create --name missing bb nope >/dev/null
    act docker start missing
    called "CALL-14 after a create that failed: delete by force" "delete --force $ID" 1
    check_equal "TRAP-36 docker tells brig's own line from the log" \
        "$(grep -c 'OCI runtime create failed: .*exec: "nope": executable file not found' "$SCRATCH/output")" 1
    docker rm missing >/dev/null
}

executions() {
    act docker exec box true
    called "CALL-07 exec" "exec --process /[^ ]+ --detach --pid-file $BUNDLE/$ID.pid $ID" 1
    act docker exec -t box true
    called "CALL-08 exec with a console socket" \
        "exec --process /[^ ]+ --console-socket /[^ ]+ --detach --pid-file $BUNDLE/$ID.pid $ID" 1
    act docker exec box nope
    check_match "TRAP-07 an exec that fails is told by brig's line" "$(cat "$SCRATCH/output")" \
        'OCI runtime exec failed: .*exec: "nope": executable file not found'
    act docker top box
    called "CALL-15 ps" "ps --format json $ID" 1
    check_match "CALL-15 and its numbers are understood" "$(cat "$SCRATCH/output")" "$PID"
}

signals_and_limits() {
    act docker pause box
    called "CALL-17 pause" "pause $ID" 1
    act docker unpause box
    called "CALL-17 resume" "resume $ID" 1
    act docker update --memory 64m --memory-swap 64m box
    called "CALL-19 update by standard input" "update --resources[ =]- $ID" 1
    check_equal "CALL-19 its effect" "$(limit_of "$PID" memory)" 67108864
    act docker kill --signal WINCH box
    called "CALL-10 kill by number" "kill $ID 28" 1
    act docker stop -t 1 box
    called "CALL-10 stop: 15" "kill $ID 15" 1
    called "CALL-10 stop: then 9" "kill $ID 9" 1
    check_equal "and it has ended by that" "$(inspect box State.ExitCode)" 137
    docker run -d --name shared --pid host bb sh -c 'sleep 4444 & exec sleep 1000' >/dev/null
    wait_until 5 pgrep -x -f 'sleep 4444' || true
    act docker kill shared
    gone() {
        ! pgrep -x -f 'sleep 4444'
    }
    check_soon "CALL-12 TRAP-23 nothing of a shared pid namespace lives on" gone
    called "CALL-12 kill --all after the end of init" "kill --all $ID 9" 1
    docker rm shared >/dev/null
}

# dockerd's own: a script of its making stands before a runtime with arguments.
with_arguments() {
    act docker run --name whole --runtime with-arguments -d bb sleep 1000
    check_equal "CALL-26 TRAP-57 the script adds its arguments in front" \
        "$(grep -cE -- "^--debug $GLOBALS (create|start) " "$CALLS" || true)" 2
    check_equal "CALL-26 a whole life by it: exec" "$(docker exec whole echo word)" word
    check_match "CALL-26 with a terminal" "$(docker exec -t whole tty)" '/dev/pts/'
    docker stop -t 0 whole >/dev/null
    check_equal "CALL-26 and its end" "$(inspect whole State.ExitCode)" 137
    docker rm whole >/dev/null
}

# The hook is in the config that dockerd writes; what it does is seen in the container.
network_hook() {
    docker network create --driver bridge bridged >/dev/null
    docker run -d --name plugged --network bridged bb sleep 1000 >/dev/null
    local config hook
    config=${BUNDLE%/moby/*}/moby/$(docker inspect --format '{{.Id}}' plugged)/config.json
    hook=$(jq -r '.hooks.prestart[0] | "\(.path) \(.args[0])"' "$config")
    if [[ $(docker version --format '{{.Server.Version}}') == 2[0-7].* ]]; then
        check_equal "CALL-25 dockerd's hook is a prestart hook by /proc" "$hook" "/proc/$DOCKERD/exe libnetwork-setkey"
    else
        check_equal "dockerd 28 needs no hook" "$hook" "null null"
    fi
    check_match "CALL-25 TRAP-53 and plugs the network in" "$(docker exec plugged ip -o addr show eth0)" 'inet 1'
    docker rm -f plugged >/dev/null
    docker network rm bridged >/dev/null
}

# With this variable dockerd thinks that it lives in an initial ramdisk.
ramdisk() {
    stop_dockerd
    : >"$CALLS"
    DOCKER_RAMDISK=1 start_dockerd
    check_match "CALL-24 dockerd asks the default runtime for its version and, from 25 on, its features" \
        "$(docker info >/dev/null 2>&1; sort -u "$CALLS" | tr '\n' ' ')" '^(--debug features )?--version (features )?$'
    act docker run --name ram bb sh -c 'ls / | grep -c "^bin$"; ls -d /run/scratch 2>/dev/null || echo hidden'
    called "CALL-04 TRAP-44 create --no-pivot" "create --bundle $BUNDLE --pid-file $BUNDLE/init.pid --no-pivot $ID" 1
    check_equal "CALL-04 TRAP-44 its root is the container's" "$(tr '\n' ' ' <"$SCRATCH/output")" "1 hidden "
    docker rm ram >/dev/null
}

noting_program "$SCRATCH/noting" "$CALLS"
RUNTIME=$SCRATCH/noting
use_docker
use_image
warm_up
before=$(leftovers "${STATE_FOLDERS[@]}")
start_and_end
if start_sleeper box; then
    executions
    signals_and_limits
fi
end_sleeper box
with_arguments
network_hook
ramdisk
check_nothing_left "nothing is left after all of them" "$before" "${STATE_FOLDERS[@]}"
finish
