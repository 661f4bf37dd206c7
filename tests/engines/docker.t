#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The lesson through docker: a private dockerd whose default runtime is BRIG.
# shellcheck disable=SC2119
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/docker_lib.sh
source "$HERE/docker_lib.sh"
DEFAULT_CAPS=$FOURTEEN_CAPS

docker_info() {
    check_equal "the daemon's default runtime is the tested one" \
        "$(docker info --format '{{.DefaultRuntime}}')" tested
    # The name and version that --version prints are shown by `docker info`.
    check_match "X-02 X-04 the daemon reads the runtime's version" \
        "$(docker info 2>/dev/null | grep -i 'Runtimes' || true)" tested
}

docker_build() {
    write_dockerfile "$SCRATCH/Dockerfile"
    mkdir -p "$SCRATCH/empty"
    check_status "an image with USER 1000 is built" 0 \
        docker build -t built -f "$SCRATCH/Dockerfile" "$SCRATCH/empty"
    lesson_built_image built
    printf 'FROM bb\nRUN exit 3\n' >"$SCRATCH/Dockerfile"
    check_status "a failing RUN fails the build" 3 \
        docker build -t no -f "$SCRATCH/Dockerfile" "$SCRATCH/empty"
}

docker_top() {
    check_match "top shows the container's processes" "$(docker top lesson)" 'sleep 1000'
}

docker_runtime_arguments() {
    # dockerd puts a shell script in front of a runtime that has arguments.
    check_run "a runtime with arguments" word --runtime with-arguments bb echo word
}

use_docker
use_image

warm_up
before=$(leftovers "${STATE_FOLDERS[@]}")
docker_info
lesson_isolation
lesson_same_as_runc runc
lesson_exec
docker_top
lesson_capabilities
end_sleeper lesson
check_nothing_left "nothing is left after rm" "$before" "${STATE_FOLDERS[@]}"
lesson_foreground
lesson_logs
lesson_users
lesson_files
lesson_host_namespaces
lesson_limits
lesson_update
lesson_signals
lesson_pause
lesson_crowd
docker_build
docker_runtime_arguments
check_nothing_left "nothing is left after all of them" "$before" "${STATE_FOLDERS[@]}"
finish
