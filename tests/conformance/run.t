#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the validation programs of opencontainers/runtime-tools with BRIG and shows a table.
# RUNTIME_TOOLS names a checkout. A program that fails as known-failures.tsv says is a skip with the
# reason; one that fails in another way is a failure. VIEW=--v1 hides a hybrid machine's v2 hierarchy.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
REPO=$(dirname "$(dirname "$HERE")")
BUILD=${BUILD:-$REPO/build}
TARGET=$BUILD/conformance

skip_all() {
    echo "1..0 # SKIP $1"
    exit 77
}

# run_program NAME: leaves its verdict in $verdict and its counts in $passed, $failed, $skipped.
run_program() {
    local log=$TARGET/logs/$1.log status=0
    timeout --kill-after=5 90 "$TARGET/programs/$1" >"$log" 2>"$log.err" </dev/null || status=$?
    passed=$(grep -cE '^ok ' "$log" || true)
    failed=$(grep -cE '^not ok ' "$log" || true)
    skipped=$(grep -cEi '^ok [0-9]+ .*# *skip' "$log" || true)
    verdict=pass
    # The life-cycle programs print no test, only an error when they fail.
    if ((passed + failed == 0)) && grep -qE '^ *"?error"?:' "$log"; then
        verdict=fail
    fi
    if ((status != 0 || failed > 0)); then
        verdict=fail
    elif ((skipped > 0 && skipped == passed)) || grep -qiE '^1\.\.0 # *skip' "$log"; then
        verdict=skip
    fi
    ((status != 124)) || verdict=timeout
}

# known NAME COLUMN: of known-failures.tsv.
known() {
    awk -F '\t' -v name="$1" -v column="$2" '$1 == name { print $column }' \
        "$HERE/known-failures.tsv"
}

report() {
    local name=$1 allowed reason
    allowed=$(known "$name" 2)
    reason=$(known "$name" 3)
    printf '%s\t%s\t%d\t%d\t%s\n' "$name" "$verdict" "$passed" "$failed" "$reason" \
        >>"$TARGET/results.tsv"
    case $verdict in
        pass) echo "ok $((++number)) - $name" ;;
        skip) echo "ok $((++number)) - $name # SKIP the program says so" ;;
        *)
            if [[ $allowed == any ]] || [[ -n $allowed && $verdict == fail && $failed -gt 0 && $failed -le $allowed ]]; then
                echo "ok $((++number)) - $name # SKIP known failure: $reason"
            else
                echo "not ok $((++number)) - $name ($verdict)"
                { grep -E '^not ok|^ *"?error"?:' "$TARGET/logs/$name.log" || true; } | head -n 8 |
                    cut -c 1-300 | sed 's/^/#   /'
                head -n 4 "$TARGET/logs/$name.log.err" | cut -c 1-300 | sed 's/^/#   /'
                ((++failures))
            fi
            ;;
    esac
}

table() {
    echo "# | program | verdict | assertions | note |"
    echo "# |---|---|---|---|"
    awk -F '\t' '{ note = $2 == "pass" ? "" : $5
        printf "# | %s | %s | %d of %d | %s |\n", $1, $2, $3, $3 + $4, note
        if ($2 == "pass") good++ }
        END { printf "# %d of %d programs pass\n", good, NR }' "$TARGET/results.tsv"
}

if [[ -z ${SCRATCH:-} ]]; then
    [[ -n ${RUNTIME_TOOLS:-} ]] ||
        skip_all "RUNTIME_TOOLS does not name a checkout of opencontainers/runtime-tools"
    command -v go >/dev/null || skip_all "go is not installed"
    "$HERE/build-tools" "$RUNTIME_TOOLS" "$TARGET" >&2
    RUNTIME=$(readlink -f "${BRIG:?names the runtime to test}")
    export RUNTIME
    exec "$REPO/tests/sandbox" ${VIEW:+"$VIEW"} "$HERE/run.t"
fi

export TMPDIR=$SCRATCH
cd "$TARGET"
rm -rf logs results.tsv
mkdir logs
number=0 failures=0
for program in programs/*; do
    run_program "$(basename "$program")"
    report "$(basename "$program")"
done
echo "1..$number"
table
((failures == 0))
