#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What brig says of itself agrees: --help, the man pages, the README.
# shellcheck disable=SC2317,SC2016 # the checks are called by name; backquotes are Markdown
set -uo pipefail

REPO=${REPO:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$REPO" || exit 1
number=0 failed=0

# check NAME COMMAND...: what the command prints is what is wrong.
check() {
    local name=$1 output
    shift
    output=$("$@" 2>&1)
    if [[ -z $output ]]; then
        echo "ok $((++number)) - $name"
    else
        echo "not ok $((++number)) - $name"
        head -n 20 <<<"$output" | sed 's/^/#   /'
        failed=1
    fi
}

commands() {
    "$BRIG" help | sed -n '/^commands:/,/^options:/s/^  \([a-z]*\) .*/\1/p'
}

# Options of a help text on standard input, as `-b --bundle` or `--root`.
options_of_help() {
    sed -nE '/^options:/,$ { s/^  (-[a-zA-Z]), (--[a-z0-9-]+).*/\1 \2/p; s/^      (--[a-z0-9-]+).*/\1/p }' | sort
}

# Options of a page: `.It Fl b , Fl \-bundle Ar dir` is an item of the list of options.
options_of_page() {
    sed -nE 's/^\.It Fl ([a-zA-Z]) , Fl \\-([a-z0-9-]+).*/-\1 --\2/p; s/^\.It Fl \\-([a-z0-9-]+).*/--\1/p' "$1" | sort
}

same_options() {
    local page=$1
    shift
    diff <("$BRIG" "$@" | options_of_help) <(options_of_page "$page")
}

pages_of_commands() {
    local command
    for command in $(commands); do
        [[ $command == help || -f man/brig-$command.1 ]] || echo "no page for $command"
    done
    for page in man/brig-*.1; do
        command=${page#man/brig-}
        commands | grep -qx "${command%.1}" || echo "no command for $page"
    done
}

installed_pages() {
    diff <(ls man/*.[1-9] man/examples/*) \
        <(sed -nE "s/^ *'(.*\.[1-9]|examples\/.*)',?$/man\/\1/p" man/meson.build | sort)
}

listed_commands() {
    diff <(commands | grep -vx help | sort) <(sed -nE 's/^\.Xr brig-([a-z]+) 1 \.$/\1/p' man/brig.1 | sort)
}

helps_fail() {
    local command status
    for command in $(commands); do
        "$BRIG" "$command" --help >/dev/null 2>&1
        status=$?
        ((status == 0)) || echo "$command --help exits $status"
        [[ -z $("$BRIG" "$command" --help 2>&1 >/dev/null) ]] || echo "$command --help uses standard error"
    done
}

long_readme() {
    local lines
    lines=$(wc -l <README.md)
    ((lines <= 150)) || echo "$lines lines"
}

# Each `path/` and `path/file` that the README names in code.
dead_paths() {
    local path
    for path in $(grep -oE '`[a-z._-]+/[a-zA-Z0-9_./-]*`' README.md | tr -d '`' | sort -u); do
        [[ -e $path ]] || echo "$path"
    done
}

# Lines that count: no comments, no empty ones.
essence() {
    grep -vE '^ *(#|$)' "$@"
}

# example_in_page FILE: the literal block behind the comment that names the file.
example_in_page() {
    sed -n '/^\.\\" examples\/'"$1"'$/,/^\.Ed$/p' man/brig-engines.7 | grep -v '^\.'
}

for example in man/examples/*; do
    check "brig-engines.7 repeats $(basename "$example")" \
        diff <(essence "$example") <(example_in_page "$(basename "$example")" | essence)
done
for page in man/*.[1-9]; do
    if [[ -n $(type -P mandoc) ]]; then
        check "$(basename "$page") is good mdoc" mandoc -T lint -W warning "$page"
    else
        echo "ok $((++number)) - $(basename "$page") is good mdoc # SKIP no mandoc"
    fi
done
check "each command has its page, each page its command" pages_of_commands
check "each page and each example is installed" installed_pages
check "brig.1 lists each command" listed_commands
check "brig.1 and brig --help name the same options" same_options man/brig.1 --help
for command in $(commands); do
    [[ -f man/brig-$command.1 ]] || continue
    # A command without options of its own has -h in its help only.
    if grep -q '^The options are:' "man/brig-$command.1"; then
        check "brig-$command.1 and $command --help name the same options" \
            same_options "man/brig-$command.1" "$command" --help
    else
        check "$command has no options, as brig-$command.1 says" diff <(echo "-h --help") \
            <("$BRIG" "$command" --help | options_of_help)
    fi
done
check "each --help is a success on standard output" helps_fail
check "README.md has at most 150 lines" long_readme
check "README.md names nothing that is not there" dead_paths
echo "1..$number"
exit "$failed"
