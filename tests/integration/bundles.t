#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the sample bundles: each prints what its folder says, and leaves nothing behind.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
REPO=$(dirname "$(dirname "$HERE")")
if [[ -z ${BRIG_TEST_SANDBOX:-} ]]; then
    exec "$REPO/tests/sandbox" "$HERE/bundles.t"
fi
# shellcheck source=tests/engines/lib.sh
source "$REPO/tests/engines/lib.sh"
need_programs busybox

# run_bundle NAME
run_bundle() {
    local name=$1 bundle=$SCRATCH/bundles/$1 status=0 wanted=0 output
    "$REPO/bundles/make-rootfs" "$bundle"
    [[ ! -f $bundle/expected-status ]] || wanted=$(cat "$bundle/expected-status")
    timeout $((20 * ${BRIG_TEST_SLOWNESS:-1})) "$RUNTIME" --root "$SCRATCH/state" run --bundle "$bundle" "lesson-$name" \
        >"$SCRATCH/output" 2>"$SCRATCH/errors" </dev/null || status=$?
    if ((status != wanted)); then
        not_ok "$name: exit status $wanted" "exit status $status: $(cat "$SCRATCH/errors")"
    elif ! output=$(diff "$bundle/expected" "$SCRATCH/output"); then
        not_ok "$name: prints what it should" "$output"
    else
        ok "$name: prints what it should"
    fi
    rm -rf "$bundle/rootfs"
}

check_try() {
    local output
    if ! output=$(BRIG=$RUNTIME "$REPO/bundles/try" 2>&1 </dev/null); then
        not_ok "try runs" "$output"
        return
    fi
    check_match "try shows sleep as PID 1 inside" "$output" ' 1 root +sleep 1000'
    check_match "try shows another PID on the host" "$output" \
        'sleep 1000 is PID ([2-9]|[1-9][0-9]+) here, PID 1 inside'
    check_match "try ends with nothing left" "$output" 'processes: none, state: none, cgroups: none'
}

mkdir -p "$SCRATCH/bundles" "$SCRATCH/state"
for folder in "$REPO"/bundles/*/; do
    name=$(basename "$folder")
    cp -r --no-preserve=ownership "$folder" "$SCRATCH/bundles/$name"
    rm -rf "$SCRATCH/bundles/$name/rootfs"
done
before=$(leftovers "$SCRATCH/state")
for folder in "$SCRATCH"/bundles/*/; do
    [[ ! -f $folder/expected ]] || run_bundle "$(basename "$folder")"
done
check_try
check_nothing_left "nothing is left" "$before" "$SCRATCH/state"
finish
