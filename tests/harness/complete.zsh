# SPDX-License-Identifier: Apache-2.0
# What an interactive zsh suggests: reads lines as they are typed up to the cursor, and prints for each
# the suggested words on a line. usage: zsh -f complete.zsh FOLDER, where _brig is and may be written
emulate -L zsh
zmodload zsh/zpty || exit 77
answers=$1/answers
print -r -- "
PROMPT= fpath=($1 \$fpath)
autoload -U compinit && compinit -u -d $1/dump
zstyle ':completion:*' completer _complete
compadd() {
    if [[ \" \$* \" == *' '-(O|A|D)' '* ]]; then builtin compadd \"\$@\"; return; fi
    local -a hits; builtin compadd -A hits \"\$@\"
    (( \$#hits )) && print -rl -- \$hits >>$answers
    builtin compadd \"\$@\"
}
_finish() { print -r -- .end >>$answers; compstate[insert]= compstate[list]= }
_asked() { comppostfuncs=(_finish); _main_complete }
zle -C asked complete-word _asked
bindkey '^I' asked
print -r -- .end >>$answers
" >$1/rc

await() {
    local n
    for ((n = 0; n < 500; n++)); do
        [[ -e $answers && $(<$answers) == *.end ]] && return
        sleep 0.02
    done
    print -u2 "zsh does not answer"
    exit 1
}

: >$answers
zpty typed zsh -f -i
zpty -w typed "source $1/rc"
await
while IFS= read -r line; do
    : >$answers
    zpty -w -n typed $'\C-u'"$line"$'\t'
    await
    print -r -- ${${(f)"$(<$answers)"}:#.end}
done
zpty -d typed
