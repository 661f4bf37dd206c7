# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2317
# (Variables and functions here are for those who source this.)
# Shared by the engines' programs: TAP lines, the image, what /proc says, leftovers.
# A program that sources this goes on in tests/sandbox, which ends and removes all that it starts.

RUNTIME=${BRIG:?names the runtime to test}

# with_systemd: whether the containers' cgroups are to be units of systemd, as ENGINE_CGROUPS=systemd asks for.
with_systemd() {
    [[ ${ENGINE_CGROUPS:-} == systemd ]]
}

if [[ -z ${BRIG_TEST_SANDBOX:-} ]]; then
    SANDBOX_VIEW=()
    # It refuses a machine that has both kinds of cgroups.
    [[ $("$RUNTIME" --version) != crun* ]] || SANDBOX_VIEW=(--v1)
    ! with_systemd || SANDBOX_VIEW=(--systemd)
    exec "$(dirname "${BASH_SOURCE[0]}")/../sandbox" "${SANDBOX_VIEW[@]}" "$(readlink -f "$0")"
fi
RUNTIME=$(readlink -f "$RUNTIME")
TAP_COUNT=0
TAP_FAILED=0
# How many times slower than a common machine this one is: all limits are longer by that.
SLOWNESS=${BRIG_TEST_SLOWNESS:-1}

# --- TAP -------------------------------------------------------------------------------------------

ok() {
    echo "ok $((++TAP_COUNT)) - $1"
}

# not_ok NAME [WHY]
not_ok() {
    echo "not ok $((++TAP_COUNT)) - $1"
    ((++TAP_FAILED))
    [[ -z ${2:-} ]] || printf '#   %s\n' "${2//$'\n'/$'\n#   '}"
}

# check_equal NAME GOT WANTED
check_equal() {
    if [[ $2 == "$3" ]]; then
        ok "$1"
    else
        not_ok "$1" "got '$2', wanted '$3'"
    fi
}

# check_match NAME GOT PATTERN: an extended regular expression.
check_match() {
    if [[ $2 =~ $3 ]]; then
        ok "$1"
    else
        not_ok "$1" "got '$2', wanted something like '$3'"
    fi
}

# check_status NAME STATUS COMMAND...: the command ends with that exit status.
check_status() {
    local name=$1 wanted=$2 status=0 output
    shift 2
    output=$("$@" 2>&1 </dev/null) || status=$?
    if ((status == wanted)); then
        ok "$name"
    else
        not_ok "$name" "exit status $status, wanted $wanted: $output"
    fi
}

# skip NAME REASON
skip() {
    echo "ok $((++TAP_COUNT)) - $1 # SKIP $2"
}

finish() {
    echo "1..$TAP_COUNT"
    ((TAP_FAILED == 0))
}

skip_all() {
    echo "1..0 # SKIP $1"
    exit 77
}

need_programs() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || skip_all "$program is not installed"
    done
}

# wait_until SECONDS COMMAND...: polls; false when the time is over.
wait_until() {
    local end=$((SECONDS + $1 * SLOWNESS))
    shift
    while ! "$@" >/dev/null 2>&1; do
        ((SECONDS <= end)) || return 1
        sleep 0.05
    done
}

# within SECONDS COMMAND...: ends a program that hangs; it may read our terminal.
within() {
    local seconds=$1
    shift
    timeout --foreground --kill-after=5 "$((seconds * SLOWNESS))" "$@"
}

# start_many COUNT COMMAND...: runs COMMAND NUMBER for 1 to COUNT, all at once; prints what went wrong.
start_many() {
    local count=$1 number status jobs=()
    shift
    for ((number = 1; number <= count; number++)); do
        "$@" "$number" >"$SCRATCH/many.$number" 2>&1 </dev/null &
        jobs[number]=$!
    done
    for ((number = 1; number <= count; number++)); do
        status=0
        wait "${jobs[number]}" || status=$?
        ((status == 0)) || echo "$number: exit status $status: $(cat "$SCRATCH/many.$number")"
    done
}

# --- the image -------------------------------------------------------------------------------------

# make_rootfs DIR: busybox and the files that a user look-up needs.
make_rootfs() {
    local dir=$1 applet
    mkdir -p "$dir"/{bin,etc,tmp,root,proc,sys,dev,home/app,data}
    chmod 1777 "$dir/tmp"
    chown 1000:1000 "$dir/home/app"
    cp "$(command -v busybox)" "$dir/bin/busybox"
    for applet in sh sleep id cat echo true false ls ps tty stat mkdir touch kill env grep stty tail \
        hostname ip pwd test wc head; do
        ln -sf busybox "$dir/bin/$applet"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n' >"$dir/etc/passwd"
    printf 'root:x:0:\napp:x:1000:\n' >"$dir/etc/group"
    printf 'not a program\n' >"$dir/bin/notexec"
    chmod 644 "$dir/bin/notexec"
}

# make_image ARCHIVE DIR NAME [USER]: an archive of one layer as `docker load`, `podman load` and `ctr
# image import` take it, for this machine. The image runs IMAGE_CMD, /bin/sh by default, and is stopped by STOP_SIGNAL.
make_image() {
    local archive=$1 dir=$2 name=$3 user=${4:-} command=${IMAGE_CMD:-'["/bin/sh"]'} work layer config
    work=$(mktemp -d -p "$SCRATCH")
    tar --numeric-owner -C "$dir" -cf "$work/layer.tar" .
    layer=$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)
    cat >"$work/config.json" <<EOF
{"architecture": "$(dpkg --print-architecture)", "os": "linux",
 "config": {"User": "$user", "Cmd": $command, "StopSignal": "${STOP_SIGNAL:-}", "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
 "history": [{"created_by": "make_image"}], "rootfs": {"type": "layers", "diff_ids": ["sha256:$layer"]}}
EOF
    config=$(sha256sum "$work/config.json" | cut -d ' ' -f 1)
    mv "$work/config.json" "$work/$config.json"
    cat >"$work/manifest.json" <<EOF
[{"Config": "$config.json", "RepoTags": ["$name"], "Layers": ["layer.tar"]}]
EOF
    tar -C "$work" -cf "$archive" manifest.json "$config.json" layer.tar
    rm -r "$work"
}

# --- what /proc says -------------------------------------------------------------------------------

# status_field PID FIELD
status_field() {
    awk -v field="$2:" '$1 == field { $1 = ""; sub(/^ /, ""); print; exit }' "/proc/$1/status"
}

# pid_inside PID: its number in its innermost pid namespace.
pid_inside() {
    status_field "$1" NSpid | awk '{ print $NF }'
}

# has_capability MASK NUMBER
has_capability() {
    (((16#$1 >> $2) & 1))
}

readonly CAP_KILL=5 CAP_MAC_ADMIN=33

# own_namespaces PID: names of the namespaces that differ from ours.
own_namespaces() {
    local name own=()
    for name in cgroup ipc mnt net pid user uts; do
        if [[ $(readlink "/proc/$1/ns/$name") != "$(readlink "/proc/self/ns/$name")" ]]; then
            own+=("$name")
        fi
    done
    echo "${own[*]}"
}

# The fourteen capabilities that docker, ctr and Debian's podman give; podman's own list has eleven.
readonly FOURTEEN_CAPS=00000000a80425fb
readonly ELEVEN_CAPS=00000000800405fb

# with_capability MASK NUMBER, without_capability MASK NUMBER
with_capability() {
    printf '%016x' $((16#$1 | (1 << $2)))
}
without_capability() {
    printf '%016x' $((16#$1 & ~(1 << $2)))
}

# every_capability: what this machine can give at most.
every_capability() {
    status_field self CapBnd
}

# capabilities_below NUMBER: those of them that this machine can give. docker 20.10 knows 38.
capabilities_below() {
    printf '%016x' $((16#$(every_capability) & ((1 << $1) - 1)))
}

# All that docker knows and this machine can give, as a pattern: 20.10 has not heard of the last ones.
ALL_OF_DOCKER="^($(every_capability)|$(capabilities_below 38))\$"

# --- cgroups ---------------------------------------------------------------------------------------

# is_v2: whether cgroup v2 is all that there is.
is_v2() {
    [[ -e /sys/fs/cgroup/cgroup.controllers ]]
}

# The groups that engines choose: how their line in /proc/PID/cgroup begins, where they lie, and the file of the
# limit of memory as a container sees it beneath /sys/fs/cgroup.
if is_v2; then
    readonly GROUP_LINE=0:: GROUPS_AT=/sys/fs/cgroup MEMORY_FILE=memory.max
else
    readonly GROUP_LINE=:memory: GROUPS_AT=/sys/fs/cgroup/memory MEMORY_FILE=memory/memory.limit_in_bytes
fi

# group_of PID: the path of its group.
group_of() {
    sed -n "s/^.*$GROUP_LINE//p" "/proc/$1/cgroup"
}

# The word by which engines ask the runtime for systemd's driver.
DRIVER=
! with_systemd || DRIVER='--systemd-cgroup '

# parent_named NAME: for an option that names the parent of a container's cgroup.
parent_named() {
    if with_systemd; then
        echo "$1.slice"
    else
        echo "/$1"
    fi
}

# remove_groups NAME: those beneath the groups of this name, and these; false while one is in use.
remove_groups() {
    ! with_systemd || systemctl stop "$1.slice" 2>/dev/null || true
    find /sys/fs/cgroup -depth -path "*/$1*" -type d -exec rmdir {} + 2>/dev/null
    [[ -z $(find /sys/fs/cgroup -maxdepth 2 \( -name "$1" -o -name "$1.slice" \) -type d) ]]
}

# group_folder PID CONTROLLER: the folder of its group, of v1 or v2.
group_folder() {
    if is_v2; then
        echo "/sys/fs/cgroup$(group_of "$1")"
        return
    fi
    awk -F: -v name="$2" '{ count = split($2, names, ",")
        for (i = 1; i <= count; i++) if (names[i] == name) { sub(/^[^:]*:[^:]*:/, "/sys/fs/cgroup/" name); print } }' \
        "/proc/$1/cgroup"
}

# cgroup_file PID CONTROLLER FILE: that file of the process's cgroup.
cgroup_file() {
    cat "$(group_folder "$1" "$2")/$3"
}

# limit_of PID NAME: a limit of its cgroup, in v1's units but for shares, see as_shares. Bytes per second and
# operations are those of one device: "MAJOR:MINOR NUMBER".
limit_of() {
    local name controller v1 v2 field
    while read -r name controller v1 v2 field; do
        [[ $name == "$2" ]] || continue
        if ! is_v2; then
            cgroup_file "$1" "$controller" "$v1"
        elif [[ $name == memory+swap ]]; then
            echo $(($(cgroup_file "$1" "$controller" memory.max) + $(cgroup_file "$1" "$controller" memory.swap.max)))
        else
            cgroup_file "$1" "$controller" "$v2" | sed -E "$field"
        fi
        return
    done <<'EOT'
memory memory memory.limit_in_bytes memory.max
memory+swap memory memory.memsw.limit_in_bytes memory.swap.max
reservation memory memory.soft_limit_in_bytes memory.low
shares cpu cpu.shares cpu.weight
quota cpu cpu.cfs_quota_us cpu.max s/ .*//
period cpu cpu.cfs_period_us cpu.max s/.* //
cpus cpuset cpuset.cpus cpuset.cpus
mems cpuset cpuset.mems cpuset.mems
pids pids pids.max pids.max
frozen freezer freezer.state cgroup.freeze s/1/FROZEN/;s/0/THAWED/
processes pids cgroup.procs cgroup.procs
read_bps blkio blkio.throttle.read_bps_device io.max s/ .*rbps=([^ ]+).*/ \1/
write_bps blkio blkio.throttle.write_bps_device io.max s/ .*wbps=([^ ]+).*/ \1/
read_iops blkio blkio.throttle.read_iops_device io.max s/ .*riops=([^ ]+).*/ \1/
write_iops blkio blkio.throttle.write_iops_device io.max s/ .*wiops=([^ ]+).*/ \1/
EOT
    echo "no such limit: $2" >&2
    return 1
}

# as_shares SHARES: what limit_of says of them; v2 has weights, of which 1024 shares are 100.
as_shares() {
    if is_v2; then
        awk -v shares="$1" 'BEGIN { bits = log(shares) / log(2)
            weight = 10 ^ ((bits * bits + 125 * bits) / 612 - 7 / 34)
            print(weight > int(weight) + 1e-9 ? int(weight) + 1 : int(weight)) }'
    else
        echo "$1"
    fi
}

# device_access PID: of some devices of the host, what a process in its cgroup may do with them; `null:rw kmsg:r`.
device_access() (
    local device access found=()
    echo "$BASHPID" >"$(group_folder "$1" devices)/cgroup.procs"
    for device in null zero kmsg mem loop-control fuse net/tun; do
        access=''
        [[ -c /dev/$device ]] || continue
        ! : 2>/dev/null </dev/$device || access=r
        ! : 2>/dev/null >/dev/$device || access+=w
        found+=("$device:$access")
    done
    echo "${found[*]}"
)

# --- leftovers -------------------------------------------------------------------------------------

# leftovers DIR...: all that a container could leave behind, state folders DIR among it. The same text
# before and after means that nothing was left.
leftovers() {
    local pid name namespaces=() self=$BASHPID
    echo "processes:"
    # All of the sandbox but those that look here.
    while read -r pid name; do
        echo "$name"
        namespaces+=("/proc/$pid/ns/"{cgroup,ipc,mnt,net,pid,user,uts})
    done < <(ps -e -o pid=,ppid=,comm= |
        awk -v top="${BRIG_TEST_TOP:-1}" -v self="$self" '{ parent[$1] = $2; name[$1] = $3 }
        END { for (pid in name) {
            for (at = pid; at > 1 && at != self && at != top;) at = parent[at]
            if (top == 1 ? at != self : at == top) print pid, name[pid] } }' | sort -k 2)
    echo "namespaces:"
    readlink "${namespaces[@]}" 2>/dev/null | sort -u
    find /run/netns -mindepth 1 2>/dev/null | sort || true
    echo "devices:"
    stat -c '%n %A %u:%g' /dev/{null,zero,full,random,urandom,tty}
    echo "network devices:"
    ls /sys/class/net
    echo "mounts:"
    # Whether podman has the folder of its storage mounted on itself is its own affair.
    awk '$5 !~ "/podman/root/overlay$" { print $5 }' /proc/self/mountinfo | sort
    echo "cgroups:"
    # Those of the machine's own services and users come and go.
    find /sys/fs/cgroup -mindepth "$(is_v2 && echo 1 || echo 2)" -type d -not -path '*.service*' \
        -not -path '*/user.slice/*' | sort
    if with_systemd; then
        echo "units:"
        systemctl list-units --all --plain --no-legend --type=scope,slice | cut -d ' ' -f 1
    fi
    echo "state:"
    # What podman 5 keeps is its own; caches and locks stay.
    find "$@" -mindepth 1 -not -path '*/.seccomp*' -not -name .hierarchy -not -name containers.json \
        -not -name 'intermediate-mountpoint-*' 2>/dev/null | sort || true
}

# check_nothing_left NAME BEFORE DIR...: engines clean up a moment after their command has returned.
check_nothing_left() {
    local name=$1 before=$2
    shift 2
    same_leftovers() {
        [[ $(leftovers "$@") == "$before" ]]
    }
    if wait_until 10 same_leftovers "$@"; then
        ok "$name"
    else
        not_ok "$name" "$(diff <(echo "$before") <(leftovers "$@") || true)"
    fi
}
