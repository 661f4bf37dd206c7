#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets with clang's ASan, UBSan and libFuzzer, and runs them for a minute together.
# A target fuzz-NAME starts from tests/data/configs and, where they exist, tests/fuzz/corpus/NAME and
# tests/fuzz/NAME.dict. FUZZ_SECONDS says how long.
set -euo pipefail

REPO=${REPO:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILD=${BUILD:-$REPO/build}
FUZZ=$BUILD-clang
SECONDS_EACH=${FUZZ_SECONDS:-40}

command -v clang++-14 >/dev/null || {
    echo "clang++-14 is not installed"
    exit 77
}
if [[ ! -f $FUZZ/build.ninja ]]; then
    CXX=clang++-14 meson setup "$FUZZ" "$REPO" -Dfuzz=true --buildtype=debugoptimized \
        -Db_sanitize=address,undefined -Db_lundef=false -Db_lto=false
fi
ninja -C "$FUZZ" build.ninja

mapfile -t targets < <(meson introspect --targets "$FUZZ" |
    jq -r '.[] | select(.type == "executable" and (.name | startswith("fuzz"))) | .filename[0]')
if ((${#targets[@]} == 0)); then
    echo "meson knows no fuzz target"
    exit 77
fi
relative=()
for target in "${targets[@]}"; do
    relative+=("$(realpath --relative-to "$FUZZ" "$target")")
done
ninja -C "$FUZZ" -j "${JOBS:-$(nproc)}" "${relative[@]}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0 failed=0
for target in "${targets[@]}"; do
    name=$(basename "$target")
    name=${name#fuzz[-_]}
    folders=("$work/$name" "$REPO/tests/data/configs")
    mkdir -p "$work/$name" "$FUZZ/crashes"
    [[ ! -d $REPO/tests/fuzz/corpus/$name ]] || folders+=("$REPO/tests/fuzz/corpus/$name")
    options=(-max_total_time=$((SECONDS_EACH / ${#targets[@]})) -timeout=10 -rss_limit_mb=2048
        -max_len=65536 -print_final_stats=1 "-artifact_prefix=$FUZZ/crashes/$name-")
    [[ ! -f $REPO/tests/fuzz/$name.dict ]] || options+=("-dict=$REPO/tests/fuzz/$name.dict")
    if "$target" "${options[@]}" "${folders[@]}" >"$work/$name.log" 2>&1; then
        echo "ok $((++number)) - fuzz $name: $(sed -n 's/^stat::number_of_executed_units: *//p' \
            "$work/$name.log") inputs"
    else
        echo "not ok $((++number)) - fuzz $name"
        tail -n 30 "$work/$name.log" | sed 's/^/#   /'
        failed=1
    fi
done
echo "1..$number"
exit "$failed"
