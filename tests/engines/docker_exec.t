#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docker's ways into a running container: exec, attach, logs, cp and top.
# shellcheck disable=SC2016,SC2119
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/docker_lib.sh
source "$HERE/docker_lib.sh"

# with_terminal COMMAND...: it has a terminal of 33 rows and 77 columns; carriage returns are dropped.
# In the background a client would be stopped at the terminal, so it stays in its shell's group; and the shell
# must be one that reads what printf quotes.
with_terminal() {
    SHELL=/bin/bash script -qec "stty rows 33 cols 77; $(printf '%q ' timeout --foreground $((30 * SLOWNESS)) "$@")" /dev/null </dev/null | tr -d '\r\0'
}

# inside COMMAND...: its output in the container `box`.
inside() {
    docker exec box "$@" 2>&1
}

# pid_by_top WORD: the host's pid of the process in `box` whose command holds the word.
pid_by_top() {
    docker top box -o pid,args | awk -v word="$1" 'index($0, word) { print $1 }'
}

exec_identity() {
    check_equal "CALL-07 exec --user NAME has its uid and gid" \
        "$(docker exec --user app box sh -c 'echo $(id -u) $(id -g)')" "1000 1000"
    check_equal "exec --user UID:GID" \
        "$(docker exec --user 5:6 box sh -c 'echo $(id -u) $(id -g)')" "5 6"
    check_equal "exec --user finds its home" "$(docker exec --user app box sh -c 'echo $HOME')" /home/app
    check_match "exec of an unknown user is told" \
        "$(docker exec --user nobody-here box true 2>&1 || true)" 'unable to find user nobody-here'
    check_equal "exec --env adds to the container's" \
        "$(docker exec --env ONE=1 --env TWO=2 box sh -c 'echo $KEPT $ONE $TWO')" "kept 1 2"
    check_equal "exec --workdir" "$(docker exec --workdir /home/app box pwd)" /home/app
    check_match "exec --workdir that does not exist is told" \
        "$(docker exec --workdir /nowhere box pwd 2>&1 || true)" \
        '(chdir|mkdir|cwd).*/nowhere.*no such file or directory'
    check_match "exec --privileged has every capability that docker knows" \
        "$(docker exec --privileged box grep CapEff /proc/self/status | cut -f 2)" "$ALL_OF_DOCKER"
    check_equal "exec without it has docker's fourteen" \
        "$(inside grep CapEff /proc/self/status | cut -f 2)" "$FOURTEEN_CAPS"
}

# Fields 5 and 6 of /proc/PID/stat are the process group and the session; outside of our pid namespace
# they would be zero.
exec_session() {
    check_equal "TRAP-11 an exec leads a session and a group of its own" \
        "$(inside sh -c 'read pid _ _ _ group session _ </proc/$$/stat; echo $((group == pid && session == pid))')" 1
    check_equal "TRAP-10 an exec ignores and blocks no signal" \
        "$(inside grep -E 'Sig(Ign|Blk)' /proc/self/status | cut -f 2 | tr '\n' ' ')" \
        "0000000000000000 0000000000000000 "
    check_equal "TRAP-49 an exec has the container's oom_score_adj" \
        "$(inside cat /proc/self/oom_score_adj)" 0
}

exec_streams() {
    check_equal "exec keeps output and error apart" \
        "$(docker exec box sh -c 'echo out; echo err >&2' 2>/dev/null)" out
    check_equal "exec hands on four megabytes" \
        "$(docker exec box sh -c 'head -c 4194304 /dev/zero' | wc -c)" 4194304
    check_equal "exec -i takes four megabytes, and sees their end" \
        "$(head -c 4194304 /dev/zero | docker exec -i box wc -c)" 4194304
    check_status "exec passes any exit code on" 255 docker exec box sh -c 'exit 255'
    check_status "exec of who dies by a signal ends with 128 + n" 137 docker exec box sh -c 'kill -9 $$'
    local id state
    docker exec -d box sh -c 'echo $$ >/tmp/detached; exec sleep 777'
    check_soon "exec -d goes on after the client" test -s "/proc/$PID/root/tmp/detached"
    check_equal "TRAP-08 it has no descriptors but stdio" "$(cd "/proc/$(pid_by_top 777)/fd" && echo *)" "0 1 2"
    check_equal "CALL-07 what exec -d started has no parent in the container" \
        "$(inside sh -c 'grep PPid /proc/$(cat /tmp/detached)/status | cut -f 2')" 0
    id=$(docker inspect --format '{{index .ExecIDs 0}}' box)
    state=$(curl -s --unix-socket "${DOCKER_HOST#unix://}" "http://docker/v1.41/exec/$id/json")
    check_match "docker knows its pid and that it runs" "$state" '"Running":true.*"Pid":[1-9]'
    inside sh -c 'kill -TERM $(cat /tmp/detached)'
    ended() {
        [[ $(docker inspect --format '{{.ExecIDs}}' box) == '[]' ]]
    }
    check_soon "TRAP-01 and hears of its end" ended
}

exec_terminal() {
    check_match "CALL-08 exec -it has a terminal" "$(with_terminal "$DOCKER_CLIENT" exec -it box tty)" \
        '/dev/pts/[0-9]+'
    check_match "exec -it gets the client's size" "$(with_terminal "$DOCKER_CLIENT" exec -it box \
        sh -c 'for i in $(busybox seq 100); do stty size | grep 33 && exit; sleep 0.05; done; stty size')" \
        '33 77'
    check_match "exec -it opens its /dev/tty" \
        "$(with_terminal "$DOCKER_CLIENT" exec -it box sh -c 'echo on-tty >/dev/tty')" 'on-tty'
    check_match "run -it has a terminal as console, too" \
        "$(with_terminal "$DOCKER_CLIENT" run --rm -it bb sh -c 'tty; echo on-console >/dev/console')" \
        '/dev/(pts/0|console).*on-console'
    check_equal "CALL-03 TRAP-03 run -t returns the exit code" \
        "$(exit_status run --rm -t bb sh -c 'exit 9')" 9
}

attach() {
    # They write all the time: that shows when a client is attached.
    local client status=0 attached=$SCRATCH/attached input=$SCRATCH/input to_client
    docker run -d -i --name listener bb sh -c 'while :; do echo here; sleep 0.05; done &
        while read word && [ $word != end ]; do echo "got $word"; done; exit 6' >/dev/null
    mkfifo "$input"
    docker attach listener <"$input" >"$attached" 2>&1 &
    client=$!
    exec {to_client}>"$input"
    wait_until 10 grep here "$attached" || true
    printf 'one\ntwo\n' >&"$to_client"
    wait_until 10 grep 'got two' "$attached" || true
    echo end >&"$to_client"
    exec {to_client}>&-
    wait "$client" || status=$?
    check_equal "attach reaches input and output, and gives the exit code" \
        "$(grep -v here "$attached" | tr '\n' ' ')status $status" "got one got two status 6"
    docker rm -f listener >/dev/null
    docker run -d --name signalled bb sh -c \
        'trap "exit 8" TERM; while :; do echo here; sleep 0.05; done' >/dev/null
    attached=$SCRATCH/attached-too
    "$DOCKER_CLIENT" attach signalled >"$attached" 2>&1 &
    client=$!
    status=0
    wait_until 10 grep here "$attached" || true
    kill -TERM "$client"
    wait "$client" || status=$?
    check_equal "attach hands signals on" "$status $(inspect signalled State.ExitCode)" "8 8"
    docker rm -f signalled >/dev/null
}

logs() {
    docker run -d --name writer bb sh -c \
        'for i in $(busybox seq 1 500); do echo line $i; done; echo last >&2; sleep 0.5; echo end' >/dev/null
    check_equal "logs --follow ends with the container, and nothing is lost" \
        "$(docker logs --follow writer 2>/dev/null | tr '\n' ' ')" \
        "$(for i in $(seq 1 500); do echo line "$i"; done | tr '\n' ' ')end "
    check_equal "logs --tail" "$(docker logs --tail 1 writer)" end
    check_equal "logs keeps errors apart" "$(docker logs writer 2>&1 >/dev/null)" last
    docker rm writer >/dev/null
    check_equal "TRAP-35 logs of a container that says nothing are empty" \
        "$(docker run -d --name quiet bb true >/dev/null; docker wait quiet >/dev/null; docker logs quiet 2>&1)" ""
    docker rm quiet >/dev/null
}

copy() {
    local kept=$SCRATCH/kept
    echo content >"$SCRATCH/word"
    docker cp "$SCRATCH/word" box:/tmp/word
    check_equal "cp into a running container" "$(inside cat /tmp/word)" content
    mkdir "$kept"
    docker cp box:/etc/passwd "$kept/passwd"
    check_equal "cp out of it" "$(head -n 1 "$kept/passwd")" root:x:0:0:root:/root:/bin/sh
    check_equal "cp out as an archive" "$(docker cp box:/home/app - | tar -tv --numeric-owner | awk '{ print $2, $NF }')" \
        "1000/1000 app/"
    check_match "diff knows what was changed" "$(docker diff box)" 'A /tmp/word'
}

processes() {
    docker exec -d box sleep 654
    two_sleepers() {
        [[ $(docker top box | grep -c sleep) == 2 ]]
    }
    check_soon "CALL-15 top shows init and exec" two_sleepers
    check_equal "CALL-15 top shows the host's pids" "$(pid_by_top 'sleep 1000')" "$PID"
}

use_docker
use_image
warm_up
before=$(leftovers "${STATE_FOLDERS[@]}")
if start_sleeper box --env KEPT=kept; then
    exec_identity
    exec_session
    exec_streams
    exec_terminal
    copy
    processes
fi
attach
logs
end_sleeper box
check_nothing_left "nothing is left after all of them" "$before" "${STATE_FOLDERS[@]}"
finish
