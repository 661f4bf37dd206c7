# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# (Variables and functions here are for those who source this.)
# Shared by the programs that make and run the virtual machine: what they need, and what is up to date.

TOOL=$(basename "$0")

die() {
    echo "$TOOL: $*" >&2
    exit 1
}

# cannot REASON: this machine has no way to do it; the last line says why.
cannot() {
    echo "$TOOL: $*" >&2
    exit 77
}

# need_programs PURPOSE PROGRAM...: PURPOSE is the one of tests/setup that installs them.
need_programs() {
    local purpose=$1 program missing=()
    shift
    PATH=$PATH:/usr/sbin:/sbin
    for program in "$@"; do
        command -v "$program" >/dev/null || missing+=("$program")
    done
    ((${#missing[@]} == 0)) || cannot "not installed: ${missing[*]} (tests/setup $purpose installs what has them)"
}

# key_of TEXT...: one short name for these texts and all of stdin.
key_of() {
    { printf '%s\n' "$@" && cat; } | sha256sum | cut -c 1-16
}

# is_current FOLDER KEY: whether FOLDER was made from just that.
is_current() {
    [[ -f $1/key && $(<"$1/key") == "$2" ]]
}
