#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a container of podman's sees of files: volumes and their propagation and owners, tmpfs, read-only
# roots, secrets, and copying, committing and comparing.
# shellcheck disable=SC2016 # it is the container's shell that expands
set -uo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/podman_lib.sh
source "$HERE/podman_lib.sh"

# make_folder NAME: a folder of the host's with a file.
make_folder() {
    mkdir -p "$SCRATCH/$1"
    echo said >"$SCRATCH/$1/word"
}

# propagation_of PATH OPTION...: "mounted" and what that mount in the container says of its peers.
propagation_of() {
    local path=$1
    shift
    podman run --rm "$@" bb grep " $path " /proc/self/mountinfo |
        awk '{ printf "mounted"; for (i = 7; $i != "-"; i++) { sub(/:.*/, "", $i); printf " %s", $i } }'
}

files_propagation() {
    make_folder peer
    mount --bind "$SCRATCH/peer" "$SCRATCH/peer"
    mount --make-shared "$SCRATCH/peer"
    check_equal "a volume is private" "$(propagation_of /data -v "$SCRATCH/peer:/data")" mounted
    check_equal "a volume :rslave" "$(propagation_of /data -v "$SCRATCH/peer:/data:rslave")" "mounted master"
    check_equal "a volume :rshared" "$(propagation_of /data -v "$SCRATCH/peer:/data:rshared")" "mounted shared"
    podman run -d --name below -v "$SCRATCH/peer:/data:rslave" bb sleep 1000 >/dev/null
    podman run -d --name apart -v "$SCRATCH/peer:/data:rprivate" bb sleep 1000 >/dev/null
    podman run -d --name same --privileged -v "$SCRATCH/peer:/data:rshared" bb sleep 1000 >/dev/null
    mkdir "$SCRATCH/peer/new"
    mount -t tmpfs later "$SCRATCH/peer/new"
    check_equal "a later mount of the host's reaches the slave and the peer, not the private one" \
        "$(for name in below same apart; do podman exec "$name" grep -c '^later ' /proc/mounts; done | tr '\n' ' ')" \
        "1 1 0 "
    umount "$SCRATCH/peer/new"
    podman exec same busybox mount -t tmpfs inner /data/new
    check_equal "a mount of the container's reaches the host by rshared" "$(grep -c '^inner ' /proc/mounts)" 1
    check_equal "and goes from there to the slave" "$(podman exec below grep -c '^inner ' /proc/mounts)" 1
    podman exec same busybox umount /data/new
    podman "${REMOVE[@]}" below apart same >/dev/null
    umount "$SCRATCH/peer"
}

files_volumes() {
    make_folder tree
    mkdir -p "$SCRATCH/tree/deep"
    mount -t tmpfs deep "$SCRATCH/tree/deep"
    check_run "a volume takes what is mounted below it" "said deep" -v "$SCRATCH/tree:/data" bb \
        sh -c 'echo $(cat /data/word) $(grep -o "^deep" /proc/mounts)'
    check_run "bind-nonrecursive does not" said --mount "type=bind,src=$SCRATCH/tree,dst=/data,bind-nonrecursive" bb \
        sh -c 'echo $(cat /data/word) $(grep -o "^deep" /proc/mounts)'
    umount "$SCRATCH/tree/deep"
    check_run ":O is an overlay of its own" "mine said" -v "$SCRATCH/tree:/data:O" bb \
        sh -c 'echo mine >/data/other; echo $(cat /data/other) $(cat /data/word)'
    check_equal ":O leaves the host's alone" "$(ls "$SCRATCH/tree")" $'deep\nword'
    make_folder owned
    check_run ":U gives it to the container's user" "1000 1000" --user 1000:1000 -v "$SCRATCH/owned:/data:U" bb \
        stat -c '%u %g' /data/word
    check_equal ":U on the host, too" "$(stat -c %u "$SCRATCH/owned/word")" 1000
    check_run "options ro, nodev, noexec, nosuid" "ro,nosuid,nodev,noexec" \
        -v "$SCRATCH/tree:/data:ro,noexec,nodev,nosuid" bb sh -c 'grep " /data " /proc/mounts | grep -oE "r[ow],nosuid,nodev,noexec"'
    podman volume create kept >/dev/null
    check_status "a volume of podman's own, filled from the image" 0 podman run --rm -v kept:/etc bb \
        sh -c 'test -s /etc/group && echo more >/etc/more'
    check_run "and kept for the next" more -v kept:/data bb cat /data/more
    podman volume rm kept >/dev/null
    podman run -d --name giver -v "$SCRATCH/tree:/data" bb sleep 1000 >/dev/null
    check_run "--volumes-from" said --volumes-from giver bb cat /data/word
    end_sleeper giver
    make_folder file
    check_run "a single file" said -v "$SCRATCH/file/word:/etc/word:ro" bb cat /etc/word
    check_run "a device as a volume" 1 -v /dev/zero:/data/zero bb sh -c 'head -c 1 /data/zero | wc -c'
}

# Volumes whose owners are shifted into the container's user namespace.
files_mapped() {
    local maps=(--uidmap 0:100000:65536 --gidmap 0:100000:65536)
    make_folder shifted
    check_run "without :idmap the host's root is nobody inside" 65534 "${maps[@]}" -v "$SCRATCH/shifted:/data" bb \
        stat -c %u /data/word
    check_run ":idmap makes it root's" 0 "${maps[@]}" -v "$SCRATCH/shifted:/data:idmap" bb stat -c %u /data/word
    podman run --rm "${maps[@]}" -v "$SCRATCH/shifted:/data:idmap" bb touch /data/made
    check_equal ":idmap and what it makes belongs to the host's root" "$(stat -c %u "$SCRATCH/shifted/made")" 0
    check_run ":U in a user namespace" 0 "${maps[@]}" -v "$SCRATCH/shifted:/data:U" bb stat -c %u /data/word
    check_equal ":U in a user namespace, seen by the host" "$(stat -c %u "$SCRATCH/shifted/word")" 100000
    check_run "a root in a user namespace can be written" 0 "${maps[@]}" bb sh -c 'touch /made && stat -c %u /made'
}

files_tmpfs() {
    check_run "--tmpfs begins as a copy" "root:x:0:0:root:/root:/bin/sh tmpfs" --tmpfs /etc bb \
        sh -c 'echo $(head -n 1 /etc/passwd) $(grep "^tmpfs /etc " /proc/mounts | head -c 5)'
    check_run "--mount notmpcopyup" 0 --mount type=tmpfs,destination=/home,notmpcopyup bb sh -c 'ls /home | wc -l'
    check_run "--mount tmpcopyup keeps owners" "1000 app" --mount type=tmpfs,destination=/home,tmpcopyup bb \
        sh -c 'echo $(stat -c %u /home/app) $(ls /home)'
    check_run "--mount type=tmpfs with size and mode" "size=1024k,mode=700" \
        --mount type=tmpfs,destination=/data,tmpfs-size=1m,tmpfs-mode=700 bb \
        sh -c 'grep " /data " /proc/mounts | grep -o "size=1024k,mode=700"'
    check_run "--mount type=devpts" devpts --mount type=devpts,destination=/data bb \
        sh -c 'grep " /data " /proc/mounts | grep -o "^devpts"'
    check_run "--mount type=image" "root:x:0:0:root:/root:/bin/sh" --mount type=image,source=bb,destination=/data bb \
        head -n 1 /data/etc/passwd
    check_run "--shm-size" "1024" --shm-size 1m bb sh -c 'busybox df -k /dev/shm | busybox awk "END { print \$2 }"'
    check_run "--read-only with its tmpfs" "no yes yes yes" --read-only bb sh -c 'for folder in / /tmp /run /dev/shm; do
        touch $folder/x 2>/dev/null && echo yes || echo no; done | busybox xargs'
    check_run "--read-only-tmpfs=false" "no no" --read-only --read-only-tmpfs=false bb \
        sh -c 'for folder in / /tmp; do touch $folder/x 2>/dev/null && echo yes || echo no; done | busybox xargs'
    check_run "--read-only with a volume in a folder that is not there" said --read-only \
        -v "$SCRATCH/tree:/not/there" bb cat /not/there/word
    check_status "--rootfs: a root that is no image's" 0 podman run --rm --rootfs "$SCRATCH/fs" test -s /etc/passwd
}

files_secrets() {
    echo -n hush | podman secret create silent - >/dev/null
    check_run "a secret is a file" "hush 444" --secret silent bb \
        sh -c 'echo $(cat /run/secrets/silent) $(stat -c %a /run/secrets/silent)'
    check_run "a secret with owner, mode and place" "hush 5 6 400" \
        --secret silent,target=/data/told,uid=5,gid=6,mode=0400 bb sh -c 'echo $(cat /data/told) $(stat -c "%u %g %a" /data/told)'
    check_run "a secret in the environment" hush --secret silent,type=env,target=WORD bb sh -c 'echo $WORD'
    check_run "M-02 a secret under --read-only and a user" hush --read-only --user 1000 --secret silent bb \
        cat /run/secrets/silent
    start_sleeper keeper --secret silent
    check_equal "exec sees it, too" "$(podman exec keeper cat /run/secrets/silent)" hush
    check_equal "it is not in the image of it" "$(podman commit -q keeper told >/dev/null &&
        podman run --rm told sh -c 'echo runs; cat /run/secrets/silent 2>/dev/null'; podman rmi -f told >/dev/null)" runs
    end_sleeper keeper
    podman secret rm silent >/dev/null
}

files_copies() {
    start_sleeper desk || return
    echo letter >"$SCRATCH/letter"
    podman cp "$SCRATCH/letter" desk:/data/letter
    check_equal "cp into a running container" "$(podman exec desk cat /data/letter)" letter
    podman exec desk sh -c 'echo reply >/tmp/reply; busybox rm /etc/group'
    podman cp desk:/tmp/reply "$SCRATCH/reply"
    check_equal "cp out of it" "$(cat "$SCRATCH/reply")" reply
    check_equal "diff" "$(podman diff desk | sort | grep -vE '/(run|etc/(hosts|hostname|mtab|resolv.conf))' | tr '\n' ' ')" \
        "A /data/letter A /tmp/reply C /data C /etc C /tmp D /etc/group "
    podman commit -q --change 'USER 1000' --change 'CMD ["cat", "/data/letter"]' --pause desk kept >/dev/null
    check_equal "commit pauses it and lets it go on" "$(status_of desk)" running
    check_run "commit: what it made runs" letter kept
    check_run "commit: with its changes" 1000 kept id -u
    end_sleeper desk
    podman export "$(podman create kept)" | tar -xf - -C "$SCRATCH" tmp/reply
    check_equal "export" "$(cat "$SCRATCH/tmp/reply")" reply
    rm "$SCRATCH/tmp/reply"
    podman rm -fa >/dev/null
    podman rmi -f kept >/dev/null
    podman create --name quiet bb cat /data/letter >/dev/null
    podman cp "$SCRATCH/letter" quiet:/data/
    check_equal "cp into a container before its start" "$(podman start -a quiet)" letter
    podman rm quiet >/dev/null
}

prepare_podman
files_propagation
files_volumes
files_mapped
files_tmpfs
files_secrets
files_copies
check_nothing_left "nothing is left of the files" "$BEFORE" "${STATE_FOLDERS[@]}"
finish
