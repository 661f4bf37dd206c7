#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docker's two builders. The old one makes containers of the default runtime; BuildKit looks for `runc` in
# dockerd's own PATH, so here it finds a script of that name, which notes each call and hands it to BRIG.
# shellcheck disable=SC2016,SC2119
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/docker_lib.sh
source "$HERE/docker_lib.sh"

CONTEXT=$SCRATCH/context
CALLS=$SCRATCH/calls

# build OPTION... <Dockerfile: by the old builder; what it says comes out.
build() {
    docker build -f - "$@" "$CONTEXT" 2>&1
}

# buildkit OPTION... <Dockerfile: by BuildKit, without time stamps.
buildkit() {
    cat >"$CONTEXT/Dockerfile"
    DOCKER_BUILDKIT=1 docker build --progress=plain "$@" "$CONTEXT" 2>&1 | sed -E 's/^#[0-9]+ ([0-9.]+ )?//'
}

# from_image LINE...: a Dockerfile of these lines on top of bb.
from_image() {
    printf '%s\n' 'FROM bb' "$@"
}

classic() {
    cp "$SCRATCH/fs/bin/busybox" "$CONTEXT/busybox"
    tar -C "$SCRATCH/fs" -cf "$CONTEXT/fs.tar" .
    check_match "FROM scratch and ADD of an archive" "$(printf '%s\n' 'FROM scratch' 'ADD fs.tar /' \
        'RUN id -u; echo made >/made' 'CMD cat /made' | build -t classic)" 'Successfully built'
    check_run "and what it made runs" made classic
    check_match "ARG, ENV, WORKDIR, USER and SHELL reach RUN" \
        "$(from_image 'ARG A=1' 'ENV B=2' 'WORKDIR /tmp/w' 'USER app' 'SHELL ["/bin/busybox", "sh", "-c"]' \
            'RUN echo "<$A $B $(pwd) $(id -u) $0>"' | build --build-arg A=7 -t options)" '<7 2 /tmp/w 1000 sh>'
    from_image 'RUN exit 42' >"$CONTEXT/Dockerfile"
    check_status "a failing RUN's status is build's" 42 docker build "$CONTEXT"
    check_match "a missing program is told" "$(from_image 'RUN ["nope"]' | build || true)" 'executable file not found'
    check_match "--network none" "$(from_image 'RUN echo "<$(ls /sys/class/net)>"' | build --network none)" '<lo>'
    # On cgroup v2 its own group is the top of what a container sees.
    check_match "--memory and --cgroup-parent" "$(from_image \
        "RUN cat /sys/fs/cgroup/$MEMORY_FILE && grep -o '$GROUP_LINE/.*' /proc/self/cgroup" |
        build --memory 32m --cgroup-parent "$(parent_named building)")" "33554432.*$GROUP_LINE/$(is_v2 || echo building)"
    check_equal "and the parent is there" "$(cd "$GROUPS_AT" && ls -d building*)" "$(basename "$(parent_named building)")"
    check_match "--ulimit and --shm-size" "$(from_image \
        'RUN echo "<$(ulimit -n) $(busybox df -k /dev/shm | tail -n 1 | busybox awk '"'{ print \$2 }'"')>"' |
        build --ulimit nofile=77:88 --shm-size 3m)" '<77 3072>'
    wait_until 5 remove_groups building
    check_equal "the old builder asks nothing of \`runc\`" "$(cat "$CALLS")" ""
}

buildkit_steps() {
    local output
    echo secret-word >"$SCRATCH/secret"
    output=$(buildkit -t built --secret "id=word,src=$SCRATCH/secret" <<'EOT'
FROM bb AS first
RUN echo "caps $(grep CapEff /proc/self/status | cut -f 2) seccomp $(grep Seccomp: /proc/self/status | cut -f 2)"
RUN --mount=type=cache,target=/cache echo kept >/cache/word
RUN --mount=type=cache,target=/cache echo "cache $(cat /cache/word)"
RUN test ! -e /cache/word && echo "cache is gone"
RUN --mount=type=tmpfs,target=/data touch /data/x && echo "tmpfs $(grep -c ' /data tmpfs' /proc/mounts)"
RUN --mount=type=secret,id=word echo "secret $(cat /run/secrets/word)"
RUN --mount=type=bind,target=/context echo "context $(ls -d /context/busybox) $(touch /context/x 2>&1 | grep -o Read-only)"
RUN echo "net $(ls /sys/class/net | tr '\n' ' ')"
RUN echo "group $(cat /proc/self/cgroup)"
USER app
WORKDIR /home/app
RUN echo "user $(id -u) $(pwd)" && echo by-user >word
FROM scratch
COPY --from=first / /
RUN echo "stage $(cat /home/app/word)"
CMD cat /home/app/word
EOT
    )
    local name pattern
    while IFS='|' read -r name pattern; do
        check_match "$name" "$output" "$pattern"
    done <<EOT
BuildKit: a step has fourteen capabilities and a filter|caps $FOURTEEN_CAPS seccomp 2
BuildKit: RUN --mount=type=cache is kept from step to step|cache kept
BuildKit: and no part of the image|cache is gone
BuildKit: RUN --mount=type=tmpfs|tmpfs 1
BuildKit: RUN --mount=type=secret|secret secret-word
BuildKit: RUN --mount=type=bind|context /context/busybox Read-only
CALL-25 TRAP-53 TRAP-54 BuildKit: libnetwork-setkey has plugged a network in|net eth0 lo
BuildKit: its cgroup is docker's own|group .*(:/docker/buildkit/|/system.slice:docker:)[0-9a-z]+
BuildKit: USER and WORKDIR|user 1000 /home/app
BuildKit: a stage from another|stage by-user
EOT
    check_run "what BuildKit made runs" by-user built
    check_run "its secret is not in it" "" built sh -c 'cat /run/secrets/word 2>/dev/null || true'
}

# Shown by its calls: this BuildKit knows nothing of dockerd's runtimes.
buildkit_calls() {
    local steps
    steps=$(grep -cE -- '^--log [^ ]+/runc-log.json --log-format json run --bundle [^ ]+/executor/([a-z0-9]+)( --keep)? \1$' "$CALLS" || true)
    check_equal "BuildKit has run each step by the \`runc\` of dockerd's PATH" "$steps" 11
    # A newer BuildKit keeps the container until it has read its events.
    check_equal "and has called nothing else, but for delete of what it keeps" \
        "$(grep -cv ' run --bundle ' "$CALLS" || true)" "$(grep -c ' --keep ' "$CALLS" || true)"
}

buildkit_failures() {
    check_match "BuildKit: a failing RUN gives its status" "$(from_image 'RUN exit 42' | buildkit || true)" 'exit code: 42'
    check_match "BuildKit: a missing program is told" "$(from_image 'RUN ["nope"]' | buildkit || true)" \
        'exec: "nope": executable file not found|exit code: 1'
    check_match "BuildKit: --network none" "$(from_image 'RUN echo "<$(ls /sys/class/net)>"' |
        buildkit --no-cache --network none)" '<lo>'
    check_match "BuildKit: --network host" "$(from_image 'RUN echo "<$(ls /sys/class/net | grep docker0)>"' |
        buildkit --no-cache --network host)" '<docker0>'
}

# A client that goes away ends its build: the runtime is killed with its step.
buildkit_cancel() {
    local client
    from_image 'RUN exec sleep 4321' >"$CONTEXT/Dockerfile"
    DOCKER_BUILDKIT=1 "$DOCKER_CLIENT" build "$CONTEXT" >/dev/null 2>&1 &
    client=$!
    if ! wait_until 10 pgrep -x -f 'sleep 4321'; then
        not_ok "BuildKit: a step runs"
    fi
    kill -TERM "$client"
    wait "$client" || true
    gone() {
        ! pgrep -x -f 'sleep 4321'
    }
    check_soon "BuildKit: a build that is given up ends its step" gone
}

# Two steps that wait for each other.
buildkit_parallel() {
    check_match "BuildKit: stages run beside each other" "$(buildkit --no-cache <<'EOT'
FROM bb AS one
RUN --mount=type=cache,target=/meet touch /meet/one; for i in $(busybox seq 200); do test -e /meet/two && break; sleep 0.05; done; busybox cp /meet/two /two
FROM bb AS two
RUN --mount=type=cache,target=/meet touch /meet/two; for i in $(busybox seq 200); do test -e /meet/one && break; sleep 0.05; done; busybox cp /meet/one /one
FROM bb
COPY --from=one /two /two
COPY --from=two /one /one
RUN echo "met $(ls /one /two | tr '\n' ' ')"
EOT
    )" 'met /one /two'
}

mkdir "$CONTEXT"
noting_program "$SCRATCH/bin/runc" "$CALLS"
PATH=$SCRATCH/bin:$PATH
use_docker --bridge= --bip=10.77.0.1/24
use_image
: >"$CALLS"
docker run --rm bb true
from_image 'RUN true' | buildkit >/dev/null
wait_until 10 unplugged || true
before=$(leftovers "${STATE_FOLDERS[@]}")
: >"$CALLS"
classic
buildkit_steps
buildkit_calls
buildkit_failures
buildkit_cancel
buildkit_parallel
check_nothing_left "nothing is left after all of them" "$before" "${STATE_FOLDERS[@]}"
finish
