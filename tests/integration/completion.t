#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What bash suggests for a command line of brig that is typed as far as the cursor.
set -uo pipefail

number=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# shellcheck disable=SC1090
source <("$BRIG" completion bash)

# A brig that has two containers below the root "/state" and one elsewhere.
cat >"$work/brig" <<'EOF'
#!/bin/sh
case "$*" in
    "--root /state list --quiet") printf 'web\nworker\n' ;;
    "list --quiet") printf 'other\n' ;;
esac
EOF
chmod 755 "$work/brig"

# suggestions WORD...: the last word is the one under the cursor.
suggestions() {
    COMP_WORDS=("$work/brig" "$@")
    COMP_CWORD=$#
    local previous=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    _brig brig "${COMP_WORDS[COMP_CWORD]}" "$previous"
    echo "${COMPREPLY[*]}"
}

# expect NAME WANT WORD...
expect() {
    local name=$1 want=$2 got
    shift 2
    got=$(suggestions "$@")
    if [[ $got == "$want" ]]; then
        echo "ok $((++number)) - $name"
    else
        echo "not ok $((++number)) - $name"
        echo "#   words: $*; got: $got; want: $want"
        failed=1
    fi
}

expect "a command from its first letters" "start state" sta
expect "a command behind globals" "create" --root /state --debug cr
expect "a command behind a global with =" "create" --root = /state cr
expect "a global option" "--log --log-format --log-level" --log
expect "an option of the command" "--pidfd-socket --pid-file" create --pid
expect "no option of another command" "" start --bundle
expect "--help everywhere" "--help" features --h
expect "the choices of an option" "table json" list --format ""
expect "the choices of a short option" "json" ps -f j
expect "the choices behind =" "text" --log-format = t
expect "nothing for free text" "" exec --user ""
expect "container ids" "other" state ""
expect "container ids below the given root" "web worker" --root /state kill ""
expect "an id from its first letters" "worker" --root /state exec --tty wo
expect "a signal behind the id" "SIGKILL" kill web SIGKI
expect "no second id" "" state web ""
expect "commands for help" "pause" help pau
expect "the shell for completion" "bash" completion ""
mkdir -p "$work/bundles/one"
touch "$work/bundles/file"
expect "folders for a folder" "$work/bundles/one" run --bundle "$work/bundles/"
expect "files for a file" "$work/bundles/file" create --pid-file "$work/bundles/f"

# Every option that --help lists, for every command.
missing=
for command in $("$BRIG" help | sed -n '/^commands:/,/^options:/s/^  \([a-z]*\) .*/\1/p'); do
    for option in $("$BRIG" "$command" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+'); do
        [[ " $(suggestions "$command" "$option") " == *" $option "* ]] || missing+=" $command:$option"
    done
done
if [[ -z $missing ]]; then
    echo "ok $((++number)) - every option of every command"
else
    echo "not ok $((++number)) - every option of every command:$missing"
    failed=1
fi

echo "1..$number"
exit "$failed"
