#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Many containers: at once, and one after another. ENGINE_CONTAINERS is how many of the latter.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/containerd_lib.sh
source "$HERE/containerd_lib.sh"

AT_ONCE=20
COUNT=${ENGINE_CONTAINERS:-150}

# for_all COMMAND...: the command for each of AT_ONCE numbers at once; how many fail.
for_all() {
    local number jobs=() failed=0
    for ((number = 0; number < AT_ONCE; number++)); do
        "$@" "$number" >/dev/null 2>&1 &
        jobs+=($!)
    done
    for number in "${jobs[@]}"; do
        wait "$number" || ((++failed))
    done
    echo "$failed"
}

ends_by() {
    local status=0
    run --rm "$BB" "ends$1" sh -c "exit $1" || status=$?
    ((status == $1))
}
start_one() {
    run -d "$BB" "runs$1" sleep 1000
}
exec_one() {
    local status=0
    ctr task exec --exec-id "x$1" "runs$1" sh -c "exit $1" || status=$?
    ((status == $1))
}
end_one() {
    end_sleeper "runs$1"
    ! ctr task ls | grep -q "^runs$1 "
}

at_once() {
    check_equal "$AT_ONCE containers at once each end with their own exit status" "$(for_all ends_by)" 0
    check_equal "$AT_ONCE containers start at once" "$(for_all start_one)" 0
    check_equal "all of them run" "$(ctr task ls | grep -c '^runs.* RUNNING')" "$AT_ONCE"
    check_equal "an exec in each at once ends with its own exit status" "$(for_all exec_one)" 0
    check_equal "they end at once" "$(for_all end_one)" 0
}

# By exit status: ctr 1.6 gives up output of which it has not opened the pipe by the end, with each runtime.
one_after_another() {
    local number status failed=""
    for ((number = 0; number < COUNT; number++)); do
        status=0
        run --rm --null-io "$BB" "series$number" sh -c "exit $((number % 251))" >/dev/null 2>&1 || status=$?
        ((status == number % 251)) || failed+="$number: $status"$'\n'
    done
    check_equal "$COUNT containers one after another end with their own exit status" "$failed" ""
}

! with_systemd || skip_all "ctr makes no unit unless it is told its name"
use_containerd
run --rm "$BB" warm-up true >/dev/null 2>&1 || true
before=$(leftovers "${STATE_FOLDERS[@]}")
at_once
check_nothing_left "nothing is left after those at once" "$before" "${STATE_FOLDERS[@]}"
one_after_another
check_nothing_left "no process, mount, cgroup, state or network namespace is left" "$before" "${STATE_FOLDERS[@]}"
finish
