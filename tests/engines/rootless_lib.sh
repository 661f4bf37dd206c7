# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2317
# An engine of an ordinary user who has ids of his own to hand out. As root, a program that sources this goes on as
# such a user: one who has a session of systemd; where nobody has, one who is made up for a tests/sandbox, and who
# has no cgroup. All that it makes belongs to that user.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROGRAM=$HERE/$(basename "$0")
PERSON_ID=4000 PERSON_IDS=200000:65536

# person_of_systemd: the name of a user in a session.
person_of_systemd() {
    local bus uid name
    [[ -d /run/systemd/system ]] || return 1
    for bus in /run/user/*/bus; do
        uid=$(basename "${bus%/bus}")
        name=$(getent passwd "$uid" | cut -d : -f 1)
        if [[ -S $bus && $uid != 0 && -n $name ]] && grep -q "^$name:" /etc/subuid; then
            echo "$name"
            return
        fi
    done
    return 1
}

# as_person_of_systemd NAME: in his session.
as_person_of_systemd() {
    FOLDER=$(mktemp -d)
    trap 'rm -rf "$FOLDER"' EXIT
    chown "$1:" "$FOLDER"
    systemd-run --quiet --wait --pipe --user --machine "$1@" --setenv=BRIG_TEST_SANDBOX=1 \
        --setenv="BRIG=${BRIG:?names the runtime to test}" --setenv="SCRATCH=$FOLDER" \
        --setenv="BRIG_TEST_SLOWNESS=${BRIG_TEST_SLOWNESS:-1}" "$PROGRAM"
}

# as_made_up_person: within the sandbox, whose mount namespace has the files that tell of him.
as_made_up_person() {
    local name file folder=$SCRATCH/person
    need_programs newuidmap
    mkdir "$folder" "$folder/session"
    echo "person:x:$PERSON_ID:$PERSON_ID::$folder:/bin/sh" | cat - /etc/passwd >"$SCRATCH/passwd"
    echo "person:x:$PERSON_ID:" | cat - /etc/group >"$SCRATCH/group"
    for name in subuid subgid; do
        echo "person:$PERSON_IDS" >"$SCRATCH/$name"
    done
    for file in passwd group subuid subgid; do
        [[ -e /etc/$file ]] || skip_all "there is no /etc/$file"
        mount --bind "$SCRATCH/$file" "/etc/$file"
    done
    # As distributions have it.
    mknod -m 666 "$SCRATCH/tun" c 10 200
    [[ ! -e /dev/net/tun ]] || mount --bind "$SCRATCH/tun" /dev/net/tun
    # Where he may read, whoever owns the sources and the build.
    cp -r "$HERE" "$SCRATCH/engines"
    cp "$RUNTIME" "$SCRATCH/"
    chmod 700 "$folder/session"
    chown -R "$PERSON_ID:$PERSON_ID" "$folder"
    setpriv --reuid "$PERSON_ID" --regid "$PERSON_ID" --clear-groups env --ignore-environment \
        PATH="$PATH:/usr/sbin:/sbin" HOME="$folder" SCRATCH="$folder" XDG_RUNTIME_DIR="$folder/session" \
        BRIG_TEST_SANDBOX=1 BRIG_TEST_SLOWNESS="$SLOWNESS" BRIG="$SCRATCH/$(basename "$RUNTIME")" \
        "$SCRATCH/engines/$(basename "$0")"
}

if ((EUID == 0)); then
    if NAME=$(person_of_systemd); then
        as_person_of_systemd "$NAME"
        exit
    fi
    # shellcheck source=tests/engines/lib.sh
    source "$HERE/lib.sh"
    as_made_up_person
    exit
fi

# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"

# has_session: whether his containers can have cgroups, by his systemd.
has_session() {
    [[ -S $XDG_RUNTIME_DIR/bus ]]
}
