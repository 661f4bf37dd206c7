#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The files of man/examples for docker and BuildKit, as they are shipped: only the path of brig is replaced.
# shellcheck disable=SC2016,SC2119
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/docker_lib.sh
source "$HERE/docker_lib.sh"

EXAMPLES=$HERE/../../man/examples
SHIPPED=/usr/local/bin/brig

# shipped FILE: its text, for RUNTIME.
shipped() {
    sed "s|$SHIPPED|$RUNTIME|" "$EXAMPLES/$1"
}

# containers_of_brig: dockerd has one state root for all runtimes that it is given a path of.
containers_of_brig() {
    "$RUNTIME" --root "$DOCKER_EXEC_ROOT/runtime-runc/moby" list -q
}

daemon_json() {
    check_equal "daemon.json names brig once" "$(grep -c "\"$SHIPPED\"" "$EXAMPLES/docker-daemon.json")" 1
    mkdir -p "$DOCKER_DIR"
    shipped docker-daemon.json >"$DOCKER_DIR/daemon.json"
    use_docker
    use_image
    check_equal "daemon.json makes brig the default" "$(docker info --format '{{.DefaultRuntime}}')" brig
    check_equal "and leaves the driver to docker" "$(docker info --format '{{.CgroupDriver}}')" "${ENGINE_CGROUPS:-cgroupfs}"
    start_sleeper shipped || return 0
    check_match "a container of docker is in that runtime's state" \
        "$(containers_of_brig)" "^$(docker inspect --format '{{.Id}}' shipped)\$"
    check_match "and in docker's cgroup" "$(group_of "$PID")" "$(group_named '[0-9a-f]{64}')\$"
    end_sleeper shipped
    check_run "--runtime brig names it" word --runtime brig bb echo word
    stop_dockerd
}

add_runtime() {
    echo '{}' >"$DOCKER_DIR/daemon.json"
    start_dockerd --add-runtime "brig=$RUNTIME"
    check_equal "--add-runtime leaves the default" "$(docker info --format '{{.DefaultRuntime}}')" runc
    docker run -d --name added --runtime brig bb sleep 1000 >/dev/null
    check_match "--add-runtime: its containers are brig's" \
        "$(containers_of_brig)" "^$(docker inspect --format '{{.Id}}' added)\$"
    docker rm -f added >/dev/null
    if [[ $(readlink -f "$(command -v runc)") == "$RUNTIME" ]]; then
        skip "TRAP-31 and those of runc beside them are not" "runc is the one that is tested"
    else
        docker run -d --name other bb sleep 1000 >/dev/null
        check_equal "TRAP-31 and those of runc beside them are not" "$(containers_of_brig)" ""
        docker rm -f other >/dev/null
    fi
    stop_dockerd
}

# As brig-engines.7 says for dockerd's own BuildKit: a link called runc, first in its PATH.
linked_runc() {
    mkdir "$SCRATCH/links"
    ln -s "$RUNTIME" "$SCRATCH/links/runc"
    PATH=$SCRATCH/links:$PATH start_dockerd --bridge= --bip=10.77.0.1/24
    printf '%s\n' 'FROM bb' 'RUN sleep 1; echo "built $((40 + 2))"' >"$SCRATCH/Dockerfile"
    mkdir "$SCRATCH/empty"
    DOCKER_BUILDKIT=1 docker build --progress=plain -f "$SCRATCH/Dockerfile" "$SCRATCH/empty" >"$SCRATCH/output" 2>&1 &
    brigs() {
        [[ $("$RUNTIME" list -q | wc -l) == 1 ]]
    }
    check_soon "BuildKit's step is in the state of brig, which a link calls runc" brigs
    wait "$!" || true
    check_match "and does its work" "$(cat "$SCRATCH/output")" 'built 42'
    check_equal "and its state ends with it" "$("$RUNTIME" list -q)" ""
    wait_until 10 unplugged || true
    stop_dockerd
}

# build_by_buildkitd DOCKERFILE: needs no registry, for all comes from the folder; its words come out.
build_by_buildkitd() {
    cat >"$SCRATCH/context/Dockerfile"
    within 60 buildctl --addr "unix://$SCRATCH/buildkitd" build --progress plain --frontend dockerfile.v0 --no-cache \
        --local "context=$SCRATCH/context" --local "dockerfile=$SCRATCH/context" 2>&1
}

buildkitd_toml() {
    check_equal "buildkitd.toml is TOML and names brig" "$(python3 -c '
import sys, tomllib
print(tomllib.load(sys.stdin.buffer)["worker"]["oci"]["binary"])' <"$EXAMPLES/buildkitd.toml")" "$SHIPPED"
    if ! command -v buildkitd >/dev/null || ! command -v buildctl >/dev/null; then
        skip "buildkitd starts with buildkitd.toml, and builds" "buildkitd and buildctl are not in Debian 12; none in PATH"
        return
    fi
    local calls=$SCRATCH/calls output
    noting_program "$SCRATCH/noting" "$calls"
    RUNTIME=$SCRATCH/noting shipped buildkitd.toml >"$SCRATCH/buildkitd.toml"
    buildkitd --config "$SCRATCH/buildkitd.toml" --root "$SCRATCH/buildkit" --addr "unix://$SCRATCH/buildkitd" \
        >"$SCRATCH/buildkitd.log" 2>&1 &
    local daemon=$!
    wait_until 20 buildctl --addr "unix://$SCRATCH/buildkitd" debug workers || tail "$SCRATCH/buildkitd.log"
    mkdir "$SCRATCH/context"
    tar -C "$SCRATCH/fs" -cf "$SCRATCH/context/fs.tar" .
    output=$(build_by_buildkitd <<'EOT' || true
FROM scratch
ADD fs.tar /
RUN echo "caps $(grep CapEff /proc/self/status | cut -f 2)"
RUN --mount=type=tmpfs,target=/data touch /data/x && echo "tmpfs $(grep -c ' /data tmpfs' /proc/mounts)"
RUN --network=none echo "net $(ls /sys/class/net)"
USER app
RUN echo "user $(id -u)"
EOT
    )
    check_match "buildkitd: capabilities" "$output" "caps $FOURTEEN_CAPS"
    check_match "buildkitd: RUN --mount=type=tmpfs" "$output" 'tmpfs 1'
    check_match "buildkitd: RUN --network=none" "$output" 'net lo'
    check_match "buildkitd: USER" "$output" 'user 1000'
    check_match "buildkitd: a failing RUN gives its status" \
        "$(printf '%s\n' 'FROM scratch' 'ADD fs.tar /' 'RUN exit 42' | build_by_buildkitd || true)" 'exit code: 42'
    check_equal "buildkitd: each step is a call of brig" \
        "$(grep -cE -- '^--log [^ ]+/runc-log.json --log-format json run --bundle [^ ]+ (--keep )?[a-z0-9]+$' "$calls" || true)" 5
    kill -TERM "$daemon"
    wait "$daemon" || true
}

# warm_up_all: what dockerd and its bridge leave once and for all, with the runtime and with its BuildKit.
warm_up_all() {
    use_docker --bridge= --bip=10.77.0.1/24
    use_image
    warm_up
    printf 'FROM bb\nRUN true\n' | DOCKER_BUILDKIT=1 docker build - >/dev/null 2>&1
    wait_until 10 unplugged || true
    stop_dockerd
}

export PATH
warm_up_all
before=$(leftovers "${STATE_FOLDERS[@]}")
daemon_json
add_runtime
linked_runc
buildkitd_toml
check_nothing_left "nothing is left after all of them" "$before" "${STATE_FOLDERS[@]}"
check_equal "nothing is left in either state root" "$("$RUNTIME" list -q; containers_of_brig)" ""
finish
