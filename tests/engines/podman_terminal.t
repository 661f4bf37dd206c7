#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Terminals through podman: run, exec and attach on a pty, its size, and leaving it. A person is on_pty.py.
# shellcheck disable=SC2016 # it is the container's shell that expands
set -uo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/podman_lib.sh
source "$HERE/podman_lib.sh"

# on_pty SIZE STEP... -- PODMAN_ARGUMENT...: what was seen, then "= STATUS".
on_pty() {
    local steps=() status=0
    while [[ $1 != -- ]]; do
        steps+=("$1")
        shift
    done
    shift
    within 60 python3 -B "$HERE/on_pty.py" "${steps[@]}" -- "${PODMAN[@]}" "$@" || status=$?
    echo "= $status"
}

# What runs on most of these terminals: it does what it is told, without the line editing of a shell. On a busy machine
# podman 4 sets the first size after the start.
OBEYS='until stty size 2>/dev/null | grep .; do sleep 0.05; done; echo ready; while read -r line; do eval "$line"; done'

terminal_run() {
    local seen
    seen=$(on_pty 30x101 'expect:30 101' expect:ready 'send:tty; echo tty=$?\r' 'expect:tty=0' 'send:exit 7\r' -- \
        run -it --rm --name typed bb sh -c "$OBEYS")
    check_match "run -it: the terminal has its size" "$seen" '30 101.*= 7$'
    check_match "run -it: it has a name inside" "$seen" '/dev/(pts/0|console).*= 7$'
    check_match "run -it: the exit code" "$seen" '= 7$'
    seen=$(on_pty 24x80 expect:ready size:41x121 'send:\r' wait:0.2 'send:stty size\r' 'expect:41 121' \
        'send:exit\r' -- run -it --rm bb sh -c "$OBEYS")
    check_match "run -it: a new size arrives" "$seen" '41 121.*= 0$'
    seen=$(on_pty 24x80 expect:ready size:42x122 'expect:told 42 122' -- run -it --rm bb \
        sh -c 'until stty size 2>/dev/null | grep 80; do sleep 0.05; done
            trap "echo told \$(stty size); exit" WINCH; echo ready; while :; do sleep 0.1; done')
    check_match "run -it: SIGWINCH arrives" "$seen" 'told 42 122.*= 0$'
    seen=$(on_pty 24x80 expect:ready 'send:\x03' -- run -it --rm bb \
        sh -c 'trap "exit 9" INT; echo ready; while :; do sleep 0.1; done')
    check_match "run -it: control-C is SIGINT inside" "$seen" '= 9$'
    seen=$(on_pty 24x80 expect:ready 'send:word\r' 'expect:got word' -- run -it --rm bb \
        sh -c 'echo ready; read line </dev/tty; echo got $line')
    check_match "run -it: it is the controlling terminal" "$seen" '= 0$'
    seen=$(on_pty 24x80 -- run -t --rm --user 1000 bb sh -c 'echo $(stat -c %u $(tty)) >/dev/tty')
    check_match "run -t --user: the terminal belongs to the user" "$seen" '1000.*= 0$'
    seen=$(on_pty 24x80 -- run -it --rm bb sh -c 'exit 11')
    check_match "run -it: an immediate end gives its code, too" "$seen" '= 11$'
    seen=$(on_pty 24x80 -- run -it --rm bb nope)
    check_match "run -it: a missing program gives 127" "$seen" '= 127$'
    check_equal "run -t without a terminal outside" "$(podman run --rm -t bb sh -c 'test -t 0 && tty' | tr -d '\r')" \
        /dev/pts/0
}

terminal_exec() {
    local seen
    start_sleeper target || return
    seen=$(on_pty 33x103 expect:ready size:44x124 'send:\r' wait:0.2 'send:stty size\r' 'expect:44 124' \
        'send:exit 8\r' -- exec -it target sh -c "$OBEYS")
    check_match "exec -it: a size, a new size, the exit code" "$seen" '33 103.*44 124.*= 8$'
    seen=$(on_pty 24x80 expect:ready 'send:\x03' -- exec -it target \
        sh -c 'trap "exit 9" INT; echo ready; while :; do sleep 0.1; done')
    check_match "exec -it: control-C is SIGINT inside" "$seen" '= 9$'
    seen=$(on_pty 24x80 expect:ready 'send:echo $((6 * 7))\r' expect:42 'send:exit\r' -- \
        exec -it target sh -c 'echo ready; exec sh')
    # Without it the shell says so, between the first line and the next.
    check_equal "TRAP-11 exec -it: a shell has job control" \
        "$(grep -oE '^(ready|42)$|job control' <<<"$seen" | tr '\n' ' ')" "ready 42 "
    seen=$(on_pty 24x80 -- exec -it --user app target sh -c 'stat -c %u $(tty); id -u')
    check_match "exec -it --user: the terminal belongs to the user" "$seen" '1000.*1000.*= 0$'
    seen=$(on_pty 24x80 -- exec -it target nope)
    check_match "exec -it: a missing program gives 127" "$seen" '= 127$'
    seen=$(on_pty 24x80 expect:ready 'send:\x10' wait:0.1 'send:\x11' -- exec -it target \
        sh -c 'echo ready; until test -e /tmp/left; do sleep 0.05; done; touch /tmp/went-on')
    # podman 4 waits for five seconds and takes it for an error.
    check_match "exec -it: podman is left by its keys" "$seen" 'detached from container|= 0$'
    podman exec target touch /tmp/left
    check_equal "exec -it: and what it started goes on" \
        "$(wait_until 5 podman exec target test -e /tmp/went-on && echo on)" on
    end_sleeper target
}

terminal_attach() {
    local seen
    # It writes until somebody has seen it.
    podman run -dit --name shell bb sh -c "until test -e /tmp/seen; do echo here; sleep 0.05; done & $OBEYS" \
        >/dev/null 2>&1
    seen=$(on_pty 35x105 expect:here 'send:touch /tmp/seen; until stty size | grep 35.105; do sleep 0.05; done\r' \
        'expect:35 105' 'send:X=kept; echo X=$X\r' expect:X=kept$'\r' 'send:\x10' wait:0.1 'send:\x11' -- attach shell)
    check_match "attach: the size, and away by control-P control-Q" "$seen" '35 105.*= 0$'
    check_equal "attach: which leaves it running" "$(status_of shell)" running
    seen=$(on_pty 24x80 'send:echo X=$X\r' 'expect:X=kept' 'send:exit 6\r' -- attach shell)
    check_match "attach: the same shell again, and its end" "$seen$(podman wait shell)" 'X=kept.*= [06]6$'
    podman rm shell >/dev/null
    podman create -it --name later bb sh -c "$OBEYS" >/dev/null
    seen=$(on_pty 36x106 expect:ready 'send:exit 5\r' -- start -ai later)
    check_match "start -ai: a size and an exit code" "$seen" '36 106.*= 5$'
    podman rm later >/dev/null
    podman run -d --name piped -i bb sh -c 'while read line; do echo got $line; done; exit 4' >/dev/null
    check_equal "attach without a terminal: input, output, end" \
        "$(printf 'one\ntwo\n' | podman attach piped 2>&1 | grep .; podman wait piped)" $'got one\ngot two\n4'
    podman rm piped >/dev/null
    # It writes all the time: that shows when podman is attached.
    podman run -d --name signalled bb sh -c 'trap "exit 12" TERM; while :; do echo here; sleep 0.05; done' \
        >/dev/null
    "${PODMAN[@]}" attach signalled >"$SCRATCH/attached" &
    wait_until 10 grep here "$SCRATCH/attached" || true
    kill -TERM "$!"
    wait "$!"
    check_equal "attach: a signal to podman goes to the container" "$(podman wait signalled)" 12
    podman rm -f -t 0 signalled >/dev/null
}

# What conmon is told for no pivot and no keyring, with descriptors and a terminal.
terminal_all_options() {
    local conf=$PODMAN_DIR/all.conf
    sed 's/^\[engine\]/keyring = false\n&\nno_pivot_root = true/' "$CONTAINERS_CONF" >"$conf"
    : >"$SCRATCH/noted"
    CONTAINERS_CONF=$conf noting run --rm -t --preserve-fds 2 bb \
        sh -c 'read a <&3; read b <&4; test -t 1 && echo "$a $b $(ls /proc/self/fd | wc -l)"' \
        3< <(echo three) 4< <(echo four) >"$SCRATCH/all" 2>&1
    check_noted "CALL-29 create with all of conmon's options" \
        'create --bundle [^ ]+ --pid-file [^ ]+ --no-pivot --no-new-keyring --preserve-fds 2 --console-socket [^ ]+ [0-9a-f]{64}$'
    # The count has ls's own descriptor.
    check_equal "CALL-29 the descriptors and the terminal are there and nothing else" \
        "$(tr -d '\r' <"$SCRATCH/all")" "three four 6"
    noting run -d --name target bb sleep 1000 >/dev/null
    check_equal "CALL-33 exec with a descriptor and a terminal has both" \
        "$(noting exec -t --preserve-fds 1 target sh -c 'read a <&3; test -t 1 && echo "$a"' 3< <(echo three) |
            tr -d '\r')" three
    check_noted "CALL-33 exec with all of conmon's options" \
        'exec --pid-file [^ ]+ --process [^ ]+ --detach .*--preserve-fds 1 --console-socket [^ ]+ [0-9a-f]{64}$'
    end_sleeper target
}

prepare_podman
terminal_run
terminal_exec
terminal_attach
terminal_all_options
check_nothing_left "nothing is left of the terminals" "$BEFORE" "${STATE_FOLDERS[@]}"
finish
