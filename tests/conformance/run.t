#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the validation programs of opencontainers/runtime-tools with BRIG, each in the environment that
# environments.tsv names, and holds what fails against known-failures.tsv (see judge).
# usage: RUNTIME_TOOLS=FOLDER [BESIDE='crun runc'] [VIEW=--v1] tests/conformance/run.t [PROGRAM...]
#   RUNTIME_TOOLS  a checkout, or what build-tools has made of one
#   BESIDE  other runtimes, for the table alone      VIEW  --v1 hides a hybrid machine's v2 hierarchy
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
REPO=$(dirname "$(dirname "$HERE")")
BUILD=${BUILD:-$REPO/build}
TARGET=$BUILD/conformance LOGS=$BUILD/conformance/logs
ENVIRONMENTS=(plain network hugetlb whole-rootfs user-namespace)

skip_all() {
    echo "1..0 # SKIP $1"
    exit 77
}

# names_of ENVIRONMENT: its programs, of those that were asked for.
names_of() {
    local path
    for path in "$TARGET"/programs/*; do
        basename "$path"
    done | awk -F '\t' -v environment="$1" -v wanted=" $WANTED " \
        'FNR == NR { place[$1] = $2; next }
         (wanted == "  " || index(wanted, " " $1 " ")) &&
             ($1 in place ? place[$1] : "plain") == environment' "$HERE/environments.tsv" -
}

# run_all COMMAND LOGS [SANDBOX_OPTION]: all programs with one runtime.
run_all() {
    local RUNTIME=$1 logs=$2 view=${3:-} environment names around
    export RUNTIME
    rm -rf "$logs"
    mkdir -p "$logs"
    for environment in "${ENVIRONMENTS[@]}"; do
        mapfile -t names < <(names_of "$environment")
        ((${#names[@]})) || continue
        case $environment in
            network) around=("$REPO/tests/with-hierarchies" net_cls net_prio --) ;;
            hugetlb) around=("$REPO/tests/with-hierarchies" hugetlb --) ;;
            *) around=() ;;
        esac
        "${around[@]}" "$REPO/tests/sandbox" ${view:+"$view"} \
            "$HERE/run-programs" "$environment" "$TARGET" "$logs" "${names[@]}" >&2
    done
}

# run_beside NAME: crun refuses hybrid machines, and up to 1.8 also newer versions of the specification.
run_beside() {
    local command view=${VIEW:-}
    command=$(command -v "$1") || skip_all "BESIDE: there is no $1"
    if [[ $1 == *crun* ]]; then
        view=--v1
        if "$command" --version | grep -q '^spec: 1\.0\.'; then
            OLDER_RUNTIME=$command run_all "$HERE/older-spec" "$LOGS/$1" "$view"
            return
        fi
    fi
    run_all "$command" "$LOGS/$1" "$view"
}

[[ -n ${RUNTIME_TOOLS:-} ]] ||
    skip_all "RUNTIME_TOOLS does not name a checkout of opencontainers/runtime-tools"
if [[ -x $RUNTIME_TOOLS/runtimetest ]]; then
    TARGET=$(readlink -f "$RUNTIME_TOOLS")
else
    command -v go >/dev/null || skip_all "go is not installed"
    "$HERE/build-tools" "$RUNTIME_TOOLS" "$TARGET" >&2
fi
if [[ ! -w $BUILD ]]; then
    LOGS=$(mktemp -d "${BRIG_TEST_SCRATCH:-/tmp}/conformance.XXXXXX")
    trap 'rm -rf "$LOGS"' EXIT
fi

WANTED=$*
read -r -a beside <<<"${BESIDE:-}"
brig=$(readlink -f "${BRIG:?names the runtime to test}")
run_all "$brig" "$LOGS/brig" "${VIEW:-}"
for name in "${beside[@]}"; do
    run_beside "$name"
done
"$HERE/judge" "$LOGS" "$(basename "$brig")" "${beside[@]}"
