#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# podman of an ordinary user, with his systemd as manager of cgroups, or with none: limits, ids, networks, pods,
# volumes, builds, pause, and what is left.
# shellcheck disable=SC2016 # it is the container's shell that expands
set -uo pipefail

# shellcheck source=tests/engines/rootless_lib.sh
source "$(dirname "$0")/rootless_lib.sh"
need_programs podman conmon newuidmap busybox

# write_conf CGROUP_MANAGER
write_conf() {
    local name
    name=$(basename "$RUNTIME")
    cat <<EOT
[containers]
netns = "none"
[engine]
runtime = "$name"
cgroup_manager = "$1"
events_logger = "file"
runtime_supports_json = ["$name"]
runtime_supports_nocgroup = ["$name"]
[engine.runtimes]
$name = ["$RUNTIME"]
EOT
}

export CONTAINERS_CONF=$SCRATCH/containers.conf TMPDIR=$SCRATCH/tmp
mkdir -p "$TMPDIR"
if has_session; then write_conf systemd; else write_conf cgroupfs; fi >"$CONTAINERS_CONF"
STORE=(--root "$SCRATCH/store" --runroot "$XDG_RUNTIME_DIR/podman-test" --storage-driver "${STORAGE_DRIVER:-overlay}")
podman() {
    within 60 "$(type -P podman)" "${STORE[@]}" --tmpdir "$SCRATCH/libpod" "$@"
}

clean() {
    podman rm -a -f -t 0 >/dev/null 2>&1
    # Layers are of users that only podman's own namespace knows.
    "$(type -P podman)" unshare rm -rf "$SCRATCH/store" "$XDG_RUNTIME_DIR/podman-test"
}
trap clean EXIT

make_rootfs "$SCRATCH/fs" 2>/dev/null
chmod 777 "$SCRATCH/fs/home/app"
make_image "$SCRATCH/bb.tar" "$SCRATCH/fs" bb:latest
podman load -q -i "$SCRATCH/bb.tar" >/dev/null
SHOW_LIMITS='cd /sys/fs/cgroup; cat memory.max pids.max cpu.max'
LIMITS=(--memory 50m --pids-limit 33 --cpus 0.5)
WANTED_LIMITS=$'52428800\n33\n50000 100000'

group_of() {
    sed 's/^0:://' "/proc/$(podman inspect --format '{{.State.Pid}}' "$1")/cgroup"
}

# namespace_of NAME KIND: no two answers are equal where it cannot be told.
namespace_of() {
    podman exec "$1" stat -c %N "/proc/self/ns/$2" || echo "none of $1"
}

rootless_ids() {
    check_equal "CALL-62 X-12 run: root inside is the user outside" \
        "$(podman run --rm bb sh -c 'id -u; head -n 1 /proc/self/uid_map' | xargs)" "0 0 $EUID 1"
    check_equal "X-12 N-10 run: all ids of his are mapped" \
        "$(podman run --rm bb tail -n 1 /proc/self/uid_map | awk '{print $1 " " $3}')" \
        "1 $(awk -F: -v name="$(id -un)" '$1 == name {print $3}' /etc/subuid)"
    check_equal "X-12 P-19 run --user: another user" "$(podman run --rm --user 1000:1000 bb sh -c 'id -u; id -g' | xargs)" \
        "1000 1000"
    check_equal "X-12 N-10 run --userns=keep-id: his own number inside" \
        "$(podman run --rm --userns=keep-id bb sh -c 'id -u; touch /tmp/x; stat -c %u /tmp/x' | xargs)" "$EUID $EUID"
    check_equal "X-12 P-21 run --group-add: a further group" "$(podman run --rm --group-add 20 bb id -G)" "0 20"
}

rootless_cgroups() {
    local group
    check_equal "CALL-27 RES-memory.limit RES-pids RES-cpu.quota limits in a scope of his systemd" \
        "$(podman run --rm "${LIMITS[@]}" bb sh -c "$SHOW_LIMITS")" "$WANTED_LIMITS"
    check_equal "X-12 RES-memory.limit RES-pids limits without systemd: a group beside podman's own" \
        "$(podman --cgroup-manager=cgroupfs run --rm "${LIMITS[@]}" bb sh -c "$SHOW_LIMITS")" "$WANTED_LIMITS"
    check_status "X-12 RES-memory.limit the limit bites" 137 \
        podman run --rm --memory 20m --memory-swap 20m bb sh -c 'a=x; while :; do a=$a$a; done'
    podman run -d --name placed bb sleep 1000 >/dev/null
    group=$(group_of placed)
    check_match "X-12 CG-04 the scope lies in the user's own slice" "$group" \
        "/user@$EUID.service/user.slice/libpod-[0-9a-f]{64}.scope(/container)?\$"
    podman exec placed true
    check_equal "X-12 the group of exec" "$(podman exec placed sh -c 'cat /proc/self/cgroup')" "0::/"
    check_match "X-12 stats are the container's" "$(podman stats --no-stream --format '{{.Name}} {{.PIDS}}' placed)" '^placed 1$'
    podman pause placed >/dev/null
    check_equal "X-12 pause" "$(podman inspect --format '{{.State.Status}}' placed)" paused
    podman unpause placed >/dev/null
    check_match "X-12 top" "$(podman top placed pid args)" '1 +sleep 1000'
    podman rm -f -t 0 placed >/dev/null
    check_status "X-12 rm: the group is gone" 1 test -e "/sys/fs/cgroup$group"
    check_equal "X-12 run --cgroups=disabled stays where conmon is" \
        "$(podman run --rm --cgroups=disabled bb sh -c 'echo fine')" fine
}

rootless_exec() {
    podman run -d --name told -v words:/data --init=false bb sh -c 'echo hi >/data/x; exec sleep 1000' >/dev/null
    check_equal "X-12 exec, and a volume" "$(podman exec told sh -c 'cat /data/x; id -u' | xargs)" "hi 0"
    check_status "X-12 exec: the exit status" 7 podman exec told sh -c 'exit 7'
    check_match "X-12 P-01 exec -t: a terminal" "$(podman exec -t told tty)" '^/dev/pts/[0-9]'
    check_match "X-12 P-01 run -t: a terminal" "$(podman run --rm -t bb tty)" '^/dev/pts/[0-9]'
    podman rm -f -t 0 told >/dev/null
    check_status "X-12 the volume goes, too" 0 podman volume rm words
}

rootless_networks() {
    if [[ -n $(type -P slirp4netns) && -e /dev/net/tun ]]; then
        check_match "X-12 N-04 slirp4netns joins the container's network" \
            "$(podman run --rm --network slirp4netns bb ip -o addr show tap0)" 'inet 10\.0\.2\.100/'
    else
        skip "X-12 N-04 slirp4netns joins the container's network" "no slirp4netns, or no /dev/net/tun"
    fi
    if [[ -n $(type -P pasta) && $(podman --version) != *" "[34].[0-3]* ]]; then
        check_match "X-12 N-04 pasta joins the container's network" \
            "$(podman run --rm --network pasta bb ip -o link)" 'UP'
    else
        skip "X-12 N-04 pasta joins the container's network" "a podman that knows pasta (4.4)"
    fi
    check_equal "X-12 M-08 the host's network" "$(podman run --rm --network host bb stat -c %N /proc/self/ns/net | grep -o "net:.*]")" \
        "$(podman unshare readlink /proc/self/ns/net)"
}

rootless_pods() {
    podman pod create --infra-command 'sleep 1000' --infra-image bb --name pod >/dev/null
    podman run -d --pod pod --name one bb sleep 1000 >/dev/null
    podman run -d --pod pod --name two bb sleep 1000 >/dev/null
    check_equal "X-12 N-04 containers of a pod share its network" \
        "$(namespace_of one net)" "$(namespace_of two net)"
    check_equal "X-12 N-04 and its user namespace" \
        "$(namespace_of one user)" "$(namespace_of two user)"
    check_status "X-12 the pod goes" 0 podman pod rm -f -t 0 pod
}

rootless_build() {
    mkdir -p "$SCRATCH/build"
    printf 'FROM bb\nRUN id -u >/made && cat /proc/self/uid_map >>/made\n' >"$SCRATCH/build/Dockerfile"
    printf '#!/bin/sh\necho "$*" >>"%s"\nexec "%s" "$@"\n' "$SCRATCH/noted" "$RUNTIME" >"$SCRATCH/noting"
    chmod 755 "$SCRATCH/noting"
    check_status "X-12 CALL-55 build" 0 \
        podman --runtime "$SCRATCH/noting" build -q --isolation rootless -t made "$SCRATCH/build"
    check_status "X-12 CALL-55 its steps run in containers of the runtime" 0 grep -q 'create.*--bundle' "$SCRATCH/noted"
    check_match "X-12 what a step has written" "$(podman run --rm made cat /made | xargs)" "^0 0 $EUID 1"
}

rootless_ids
if has_session; then
    rootless_cgroups
else
    skip "CALL-27 RES-memory.limit a user's limits" "nobody has a session of systemd here"
fi
rootless_exec
rootless_networks
rootless_pods
rootless_build
left() {
    find /sys/fs/cgroup -name 'libpod-*' -type d -user "$(id -un)" 2>/dev/null
    find "$XDG_RUNTIME_DIR/$(basename "$RUNTIME")" -mindepth 1 -maxdepth 1 -not -name '.*' 2>/dev/null
}
nothing_left() {
    [[ -z $(left) ]]
}
wait_until 5 nothing_left || true
check_equal "X-12 12 no container, state or group is left" "$(podman ps -aq; left)" ""
finish
