#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What bash, zsh and fish suggest for a command line of brig that is typed as far as the cursor.
# shellcheck disable=SC2317 # the functions for the shells are called by name
set -uo pipefail

REPO=${REPO:-$(cd "$(dirname "$0")/../.." && pwd)}
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
expect "the shell for completion" "bash zsh fish" completion ""
expect "each of many ids" "other" wait web ""
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

# What an interactive zsh and fish suggest for lines as they are typed.

in_zsh() {
    "$BRIG" completion zsh >"$work/_brig"
    PATH=$work:$PATH zsh -f "$REPO/tests/harness/complete.zsh" "$work"
}

in_fish() {
    "$BRIG" completion fish >"$work/brig.fish"
    # shellcheck disable=SC2016 # fish expands it
    PATH=$work:$PATH HOME=$work fish --no-config -c "source $work/brig.fish"'
        while read -l line
            echo (complete -C $line | string replace -r "\t.*" "")
        end'
}

# Name, line, suggestions in any order.
cases() {
    cat <<EOF
a command from its first letters|brig sta|start state
a command behind globals|brig --root /state --debug cr|create
a global option|brig --log|--log --log-format --log-level
an option of the command|brig create --pid|--pidfd-socket --pid-file
no option of another command|brig start --bundle|
the choices of an option|brig list --format |json table
the choices of a short option|brig list -f j|json
container ids|brig state |other
container ids below the given root|brig --root /state kill |web worker
the root behind =, an id from its first letters|brig --root=/state exec --tty wo|worker
each of many ids|brig wait a |other
a signal behind the id|brig kill web SIGKI|SIGKILL
commands for help|brig help pau|pause
the shell for completion|brig completion |bash fish zsh
an option before the first operand of exec|brig exec --t|--tty
no option behind it: the words are the program's|brig exec web ls --t|
EOF
}

sorted() {
    tr ' ' '\n' <<<"$1" | sort -u | xargs
}

mapfile -t lines < <(cases)
for shell in zsh fish; do
    if ! command -v "$shell" >/dev/null; then
        echo "ok $((++number)) - completion for $shell # SKIP there is no $shell on this machine"
        continue
    fi
    mapfile -t answers < <(cases | cut -d '|' -f 2 | "in_$shell")
    for ((i = 0; i < ${#lines[@]}; i++)); do
        IFS='|' read -r name line want <<<"${lines[i]}"
        got=$(sorted "${answers[i]-no answer}")
        if [[ $got == "$(sorted "$want")" ]]; then
            echo "ok $((++number)) - $shell: $name"
        else
            echo "not ok $((++number)) - $shell: $name"
            echo "#   line: $line; got: $got; want: $want"
            failed=1
        fi
    done
done

echo "1..$number"
exit "$failed"
