#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# buildah with brig as its runtime: from, run, bud, commit. It is its own monitor: it makes the container,
# polls its state, reaps it and deletes it.
# shellcheck disable=SC2016 # it is the container's shell that expands
set -uo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/podman_lib.sh
source "$HERE/podman_lib.sh"

buildah() {
    within 60 "${BUILDAH[@]}" "$@"
}

# check_build NAME STATUS LINE...: a Dockerfile of these lines, built as `built`; its output is in $OUTPUT.
check_build() {
    local name=$1 wanted=$2 status=0
    shift 2
    printf '%s\n' "$@" >"$SCRATCH/Dockerfile"
    OUTPUT=$(buildah bud --pull-never --network none -t built -f "$SCRATCH/Dockerfile" "$SCRATCH/context" 2>&1) || status=$?
    check_equal "$name" "$status" "$wanted"
}

buildah_calls() {
    : >"$SCRATCH/noted"
    check_equal "CALL-56 TRAP-27 run gives the output and ends" "$(buildah run work id -u)" 0
    check_noted "CALL-55 create as buildah calls it" " : $DRIVER"'create --bundle ([^ ]+) --pid-file \1/pid (--no-new-keyring )?buildah-[^ ]+$'
    check_noted "CALL-56 start" ' : start buildah-[^ ]+$'
    check_noted "CALL-56 state" ' : state buildah-[^ ]+$'
    check_noted "CALL-56 delete" ' : delete buildah-[^ ]+$'
    : >"$SCRATCH/noted"
    check_equal "CALL-55 run --tty" "$(buildah run --tty work tty </dev/null | tr -d '\r')" /dev/pts/0
    check_noted "CALL-55 create with a console socket" 'create --bundle ([^ ]+) --pid-file \1/pid .*--console-socket \1/console.sock buildah-'
    : >"$SCRATCH/noted"
    "${BUILDAH[@]}" run work sleep 1000 >"$SCRATCH/killed" 2>&1 &
    wait_until 10 pgrep -f '^/bin/sleep 1000'
    wait_until 10 grep -q ' : state ' "$SCRATCH/noted"
    kill -TERM "$!"
    wait "$!"
    check_noted "CALL-56 kill, when buildah is told to end" ' : kill buildah-[^ ]+ SIGKILL$'
    check_equal "CALL-56 and the container is gone" "$(pgrep -f '^/bin/sleep 1000')" ""
}

buildah_run() {
    check_status "run gives the exit code" 7 buildah run work sh -c 'exit 7'
    check_status "run of a missing program fails" 1 buildah run work nope
    check_match "and says why" "$(buildah run work nope 2>&1)" 'executable file ([^ ]nope. )?not found in \$PATH'
    check_equal "run: input and both outputs" "$(echo word | buildah run work sh -c 'cat; echo err >&2' 2>&1 | sort)" \
        $'err\nword'
    check_equal "run --user" "$(buildah run --user app work id -u)" 1000
    check_equal "run --cap-add" "$(buildah run --cap-add CAP_NET_ADMIN work grep CapEff /proc/self/status | cut -f 2)" \
        "$(with_capability "$DEFAULT_CAPS" 12)"
    check_equal "run --cap-drop" "$(buildah run --cap-drop CAP_KILL work grep CapBnd /proc/self/status | cut -f 2)" \
        "$(without_capability "$DEFAULT_CAPS" "$CAP_KILL")"
    echo said >"$SCRATCH/context/word"
    check_equal "run --volume" "$(buildah run --volume "$SCRATCH/context:/data:ro" work cat /data/word)" said
    check_status "run --volume :ro" 1 buildah run --volume "$SCRATCH/context:/data:ro" work touch /data/no
    check_equal "run --mount type=tmpfs" "$(buildah run --mount type=tmpfs,dst=/data work \
        grep -c ' /data tmpfs' /proc/mounts)" 1
    check_equal "run --workingdir --hostname" \
        "$(buildah run --workingdir /tmp --hostname box work sh -c 'echo $PWD $(hostname)')" "/tmp box"
    check_equal "run: namespaces of its own" "$(buildah run --network none work sh -c 'ls /sys/class/net; cat /proc/1/comm; true')" $'lo\nsh'
    check_equal "run --ipc host" "$(buildah run --ipc host work stat -L -c %i /proc/self/ns/ipc)" \
        "$(stat -L -c %i /proc/self/ns/ipc)"
    check_status "run: the shortest program" 0 buildah run work true
    buildah run work sh -c 'sleep 0.3; touch /kept'
    check_equal "what it wrote stays for the next" "$(buildah run work ls /kept)" /kept
}

buildah_terminal() {
    local seen
    seen=$(within 60 python3 -B "$HERE/on_pty.py" 31x91 expect:ready 'send:exit 4\r' -- "${BUILDAH[@]}" run --tty work \
        sh -c 'stty size; echo ready; read line; eval "$line"'; echo "= $?")
    check_match "run --tty: size, input, exit code" "$seen" '31 91.*= 4$'
}

buildah_commit() {
    buildah copy work "$SCRATCH/context/word" /data/word >/dev/null
    buildah config --user 1000 --cmd 'cat /data/word' work
    buildah commit -q work committed >/dev/null
    check_run "commit: podman runs what buildah made" said committed
    check_run "commit: with its user" 1000 committed id -u
    buildah rm work >/dev/null
    podman rmi -f committed >/dev/null
}

buildah_build() {
    local OUTPUT=''
    check_build "CALL-55 bud: RUN by root and by USER" 0 'FROM bb' 'RUN id -u >/by-root' 'USER 1000' \
        'RUN id -u >/tmp/by-user' 'COPY word /data/word' 'CMD ["cat", "/by-root", "/tmp/by-user", "/data/word"]'
    check_equal "bud: what came of it" "$(podman run --rm built | tr '\n' ' ')" "0 1000 said "
    check_build "bud: a RUN that fails gives its status" 9 'FROM bb' 'RUN exit 9'
    check_match "bud: and names the step" "$OUTPUT" 'building at STEP "RUN exit 9"'
    check_build "bud: RUN --mount" 0 'FROM bb' \
        'RUN --mount=type=bind,source=word,target=/bound cat /bound && ! touch /bound' \
        'RUN --mount=type=tmpfs,target=/data touch /data/x' 'RUN test ! -e /data/x' \
        'RUN --mount=type=cache,target=/cache touch /cache/x' 'RUN --mount=type=cache,target=/cache test -e /cache/x'
    printf 'hush' >"$SCRATCH/secret"
    printf '%s\n' 'FROM bb' 'RUN --mount=type=secret,id=word cat /run/secrets/word >/told' 'RUN test ! -s /run/secrets/word' \
        >"$SCRATCH/Dockerfile"
    check_status "bud --secret" 0 buildah bud --pull-never --secret "id=word,src=$SCRATCH/secret" -t built \
        -f "$SCRATCH/Dockerfile" "$SCRATCH/context"
    check_run "bud --secret: it was there for its step" hush built cat /told
    printf '%s\n' 'FROM bb' 'RUN cat /proc/self/limits | grep "open files"; cat /proc/self/cgroup' \
        "RUN busybox cat /sys/fs/cgroup/$MEMORY_FILE" >"$SCRATCH/Dockerfile"
    OUTPUT=$(buildah bud --pull-never --ulimit nofile=123:123 --memory 64m --cgroup-parent /built -t built \
        -f "$SCRATCH/Dockerfile" "$SCRATCH/context" 2>&1)
    check_match "bud --ulimit" "$OUTPUT" 'open files +123 +123'
    check_match "bud --memory" "$OUTPUT" $'\n67108864\n'
    wait_until 5 remove_groups built
    podman rmi -f built >/dev/null
}

need_programs buildah
prepare_podman
mkdir -p "$SCRATCH/context"
# Makes the runtime that notes its calls.
noting run --rm bb true >/dev/null
BUILDAH=("$(type -P buildah)" --root "$PODMAN_DIR/root" --runroot "$PODMAN_DIR/run"
    --storage-driver "${STORAGE_DRIVER:-overlay}")
export BUILDAH_ISOLATION=oci BUILDAH_RUNTIME=$SCRATCH/noting/${RUNTIME##*/}
buildah from --name work --pull-never bb >/dev/null
buildah_calls
buildah_run
buildah_terminal
buildah_commit
buildah_build
buildah rm -a >/dev/null
rm -rf "$TMPDIR"/buildah-cache*
check_nothing_left "nothing is left of the builds" "$BEFORE" "${STATE_FOLDERS[@]}"
finish
