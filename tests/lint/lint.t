#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What can be said of the sources without running them: form, house rules, clang-tidy, shellcheck,
# mandoc. Files that clang-tidy found clean are remembered in BUILD/lint until they change.
# shellcheck disable=SC2317 # the checks are called by name
set -euo pipefail

REPO=${REPO:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILD=${BUILD:-$REPO/build}
JOBS=${JOBS:-$(nproc)}
cd "$REPO"
number=0 failed=0

# check NAME COMMAND...: what the command prints is what is wrong.
check() {
    local name=$1 output status=0
    shift
    output=$("$@" 2>&1) || status=$?
    if ((status == 0)) && [[ -z $output ]]; then
        echo "ok $((++number)) - $name"
    else
        echo "not ok $((++number)) - $name"
        head -n 40 <<<"$output" | sed 's/^/#   /'
        failed=1
    fi
}

# sources PATTERN...: our files by name, without build folders.
sources() {
    local pattern names=()
    for pattern in "$@"; do
        names+=(-o -name "$pattern")
    done
    find . -path './build*' -prune -o -path ./.git -prune -o -name __pycache__ -prune -o -type f \( "${names[@]:1}" \) -print |
        sort
}

mapfile -t CPP < <(sources '*.cpp' '*.h')
mapfile -t SCRIPTS < <(sources '*' | grep -vE '\.(cpp|h|json|md|py)$' |
    xargs grep -lE '^(#!/bin/(ba)?sh|# shellcheck shell=bash)' | sort -u)
mapfile -t PAGES < <(sources '*.[1-9]')

first_lines() {
    local file
    for file in "${CPP[@]}"; do
        [[ $(head -n 1 "$file") == '// SPDX-License-Identifier: Apache-2.0' ]] || echo "$file"
    done
}

long_files() {
    wc -l "${CPP[@]}" | awk '$2 != "total" && $1 > 500 { print $2 ": " $1 " lines" }'
}

tidy_one() {
    local file=$1 stamp=$2
    if clang-tidy-14 --quiet -p "$BUILD-clang" "$file" 2>/dev/null; then
        mkdir -p "$(dirname "$stamp")"
        touch "$stamp"
    fi
}

tidy() {
    local file stamp newest_header
    newest_header=$(find oci libcontainer runtime .clang-tidy \( -name '*.h' -o -name .clang-tidy \) \
        -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
    for file in "${CPP[@]}"; do
        [[ $file =~ ^\./(oci|libcontainer|runtime)/.*\.cpp$ ]] || continue
        stamp=$BUILD/lint/$file.ok
        [[ $stamp -nt $file && $stamp -nt $newest_header ]] && continue
        while (($(jobs -rp | wc -l) >= JOBS)); do
            wait -n || true
        done
        tidy_one "$file" "$stamp" &
    done
    wait
}

check "clang-format: ${#CPP[@]} files" clang-format-14 --dry-run -Werror "${CPP[@]}"
check "each source opens with its licence" first_lines
check "no source is longer than 500 lines" long_files
check "shellcheck: ${#SCRIPTS[@]} scripts" shellcheck -x "${SCRIPTS[@]}"
if ((${#PAGES[@]})); then
    check "mandoc: ${#PAGES[@]} pages" mandoc -T lint -W warning "${PAGES[@]}"
fi
mkdir -p "$BUILD"
if [[ ! -f $BUILD-clang/build.ninja ]]; then
    CXX=clang++-14 meson setup "$BUILD-clang" "$REPO" -Dfuzz=true --buildtype=debugoptimized \
        -Db_sanitize=address,undefined -Db_lundef=false -Db_lto=false >"$BUILD/lint-setup.log" 2>&1 || true
fi
if [[ -f $BUILD-clang/build.ninja ]] && ninja -C "$BUILD-clang" build.ninja >>"$BUILD/lint-setup.log"; then
    check "clang-tidy" tidy
else
    echo "not ok $((++number)) - clang-tidy"
    tail -n 5 "$BUILD/lint-setup.log" | sed 's/^/#   /'
    failed=1
fi
echo "1..$number"
exit "$failed"
