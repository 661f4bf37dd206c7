#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What podman can ask of a runtime: user namespaces, groups, shared namespaces, where the cgroup is, limits,
# devices, security options, descriptors, notification.
# shellcheck disable=SC2016 # it is the container's shell that expands
set -uo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/podman_lib.sh
source "$HERE/podman_lib.sh"

options_create() {
    : >"$SCRATCH/noted"
    check_equal "CALL-28 TRAP-10 no signal is ignored or blocked inside" \
        "$(noting run --name plain bb grep -E '^Sig(Blk|Ign)' /proc/self/status | tr '\t\n' '  ')" \
        "SigBlk: 0000000000000000 SigIgn: 0000000000000000 "
    check_noted "CALL-28 create as conmon calls it" \
        " : $DRIVER"'--log-format=json --log [^ ]+/oci-log create --bundle [^ ]+/userdata --pid-file [^ ]+/pidfile [0-9a-f]{64}$'
    check_noted "CALL-37 start has a PATH and XDG_RUNTIME_DIR and no more" '^PATH XDG_RUNTIME_DIR : start [0-9a-f]{64}$'
    check_noted "CALL-39 delete has XDG_RUNTIME_DIR alone" '^XDG_RUNTIME_DIR : delete --force [0-9a-f]{64}$'
    noting rm plain >/dev/null
    noting run -d --name plain bb sleep 1000 >/dev/null
    PID=$(pid_of plain)
    check_equal "TRAP-11 a session and a process group of its own" \
        "$(awk '{ print ($5 == $1 && $6 == $1) }' "/proc/$PID/stat")" 1
    check_equal "TRAP-08 no descriptor of podman's or conmon's" "$(cd "/proc/$PID/fd" && echo *)" "0 1 2"
    podman kill --signal 37 plain >/dev/null
    podman kill plain >/dev/null
    check_noted "CALL-38 kill has XDG_RUNTIME_DIR alone" '^XDG_RUNTIME_DIR : kill [0-9a-f]{64} 9$'
    check_noted "CALL-38 kill with a real-time signal" '^XDG_RUNTIME_DIR : kill [0-9a-f]{64} 37$'
    end_sleeper plain
    noting run -d --pid host --name plain bb sh -c 'trap "" TERM; sleep 1000 & wait; wait' >/dev/null
    noting stop -t 0 plain >/dev/null
    check_noted "CALL-38 kill --all where the PIDs are the host's" '^XDG_RUNTIME_DIR : kill --all [0-9a-f]{64} 9$'
    check_equal "TRAP-23 and nobody is left" "$(pgrep -f '^sleep 1000')" ""
    end_sleeper plain
    noting run -d --name plain bb sleep 1000 >/dev/null
    noting update --memory 64m plain >/dev/null
    check_noted "CALL-41 update from a file" ' : update --resources=[^ ]+ [0-9a-f]{64}$'
    check_equal "CALL-41 X-07 which has its effect" \
        "$(limit_of "$(pid_of plain)" memory)" 67108864
    noting pause plain >/dev/null
    check_noted "CALL-40 pause" '^XDG_RUNTIME_DIR : pause [0-9a-f]{64}$'
    noting unpause plain >/dev/null
    check_noted "CALL-40 resume" '^XDG_RUNTIME_DIR : resume [0-9a-f]{64}$'
    end_sleeper plain
    check_match "CALL-43 podman info has the runtime's version text" "$(podman info --format '{{.Host.OCIRuntime.Version}}')" \
        "$(basename "$RUNTIME") version .*spec: "
}

# A create that fails: conmon's one read, podman's one line of JSON, and nothing left.
options_failures() {
    local output
    output=$(noting run --rm --ulimit nofile=2000000000:2000000000 bb true 2>&1)
    check_match "CALL-32 TRAP-37 the error comes once, from one line of JSON" "$output" \
        '^Error: [^{}]*(rlimit|RLIMIT)[^{}]*$'
    check_equal "CALL-32 TRAP-05 on one line" "$(wc -l <<<"$output")" 1
    check_noted "CALL-39 TRAP-20 podman deletes by force what was not made, and does not complain" ' : delete --force [0-9a-f]{64}$'
    check_status "TRAP-39 a missing program gives 127" 127 podman run --rm bb nope
    check_status "TRAP-45 a folder gives 126" 126 podman run --rm bb /etc
    check_status "TRAP-45 what is no program gives 126" 126 podman run --rm bb /bin/notexec
    check_status "podman's own mistakes give 125" 125 podman run --rm --nope bb true
    check_status "a missing volume gives 125" 125 podman run --rm -v /nope:/x bb true
    start_sleeper target || return
    check_status "TRAP-07 exec of a missing program gives 127" 127 podman exec target nope
    check_status "TRAP-07 exec of what is no program gives 126" 126 podman exec target /bin/notexec
    check_status "TRAP-47 exec in a missing folder fails" 127 podman exec -w /nope target true
    check_status "TRAP-07 exec of the shortest program" 0 podman exec target true
    end_sleeper target
}

options_users() {
    printf 'containers:200000:100000\n' >"$SCRATCH/subid"
    { cat /etc/passwd && echo 'containers:x:2000:2000::/:/bin/false'; } >"$SCRATCH/passwd"
    # podman's `auto` takes its numbers from the files of the user called containers; for podman 5 there must be one.
    mount --bind "$SCRATCH/passwd" /etc/passwd
    mount --bind "$SCRATCH/subid" /etc/subuid
    mount --bind "$SCRATCH/subid" /etc/subgid
    check_equal "--userns auto" "$(podman run --rm --userns auto:size=500 bb cat /proc/self/uid_map | tr -s ' ')" \
        " 0 200000 500"
    umount /etc/subuid /etc/subgid /etc/passwd
    check_equal "--userns host" "$(podman run --rm --userns host bb cat /proc/self/uid_map | tr -s ' ')" \
        " 0 0 4294967295"
    check_equal "--uidmap and --gidmap" "$(podman run --rm --uidmap 0:100000:2000 \
        --gidmap 0:300000:3000 bb sh -c 'cat /proc/self/uid_map /proc/self/gid_map' | tr -s ' ' | tr '\n' ,)" \
        " 0 100000 2000, 0 300000 3000,"
    if start_sleeper mapped --uidmap 0:100000:65536 --gidmap 0:100000:65536 --user 5; then
        check_equal "--uidmap with --user" "$(status_field "$PID" Uid)" "100005 100005 100005 100005"
        check_equal "--uidmap: exec is the same" \
            "$(podman exec mapped id -u) $(podman exec --user 0 mapped cat /proc/self/uid_map | tr -s ' ')" \
            "5  0 100000 65536"
        check_status "--userns container: joins it" 0 podman run --rm --userns container:mapped bb \
            sh -c 'grep -q 100000 /proc/self/uid_map'
    fi
    end_sleeper mapped
    check_equal "--group-add keep-groups keeps the caller's groups" \
        "$(setpriv --groups 0,4242 "${PODMAN[@]}" run --rm --group-add keep-groups bb id -G)" \
        "$([[ $RUNTIME == *runc ]] && echo 0 || echo "0 4242")"
    if start_sleeper kept --user 1000; then
        check_equal "without it they are gone" "$(status_field "$PID" Groups)" 1000
    fi
    end_sleeper kept
}

options_namespaces() {
    start_sleeper host --pid host || return
    check_equal "--pid host" "$(pid_inside "$PID")" "$PID"
    end_sleeper host
    if start_sleeper first --ipc shareable --uts private && start_sleeper second --ipc container:first; then
        check_equal "--ipc container:" "$(readlink "/proc/$PID/ns/ipc")" "$(readlink "/proc/$(pid_of first)/ns/ipc")"
        podman exec first touch /dev/shm/said
        check_status "--ipc container: one /dev/shm, too" 0 podman exec second test -e /dev/shm/said
    fi
    end_sleeper second
    end_sleeper first
    ip netns add mine
    if start_sleeper joined --network ns:/run/netns/mine; then
        check_equal "--network ns:" "$(stat -L -c %i "/proc/$PID/ns/net")" "$(stat -c %i /run/netns/mine)"
    fi
    end_sleeper joined
    ip netns del mine
    check_equal "--network host" "$(podman run --rm --network host bb ls /sys/class/net)" "$(ls /sys/class/net)"
    check_run "--network none" lo --network none bb ls /sys/class/net
    if start_sleeper bare --cgroupns host; then
        check_equal "--cgroupns host" "$(own_namespaces "$PID")" "ipc mnt net pid uts"
    fi
    end_sleeper bare
    if start_sleeper bare --cgroupns private; then
        check_equal "--cgroupns private" "$(podman exec bare grep "$GROUP_LINE" /proc/self/cgroup)" \
            "$(grep "$GROUP_LINE" "/proc/$PID/cgroup" | sed 's/:[^:]*$/:\//')"
    fi
    end_sleeper bare
}

options_cgroups() {
    local id
    # It would be a group of its own otherwise, for all is relative to the sandbox's.
    noting run -d --name none --cgroups disabled bb sleep 1000 >/dev/null
    PID=$(pid_of none)
    check_noted "CALL-30 --cgroups disabled" ' --cgroup-manager disabled create '
    check_equal "CALL-30 stays in the caller's cgroup" "$(group_of "$PID")" \
        "$(group_of self)"
    check_equal "CALL-30 exec works without a cgroup" "$(podman exec none echo on)" on
    end_sleeper none
    if start_sleeper conmon --cgroups no-conmon; then
        check_match "--cgroups no-conmon" "$(group_of "$PID")" "^$(group_named ".*")\$"
        check_equal "--cgroups no-conmon leaves conmon alone" \
            "$(group_of "$(podman inspect --format '{{.State.ConmonPid}}' conmon)")" \
            "$(group_of self)"
    fi
    end_sleeper conmon
    if start_sleeper parent --cgroup-parent "$(with_systemd && echo mine-below.slice || echo /mine/below)"; then
        check_match "--cgroup-parent" "$(group_of "$PID")" '^/(mine/below|mine.slice/mine-below.slice)/libpod-'
    fi
    end_sleeper parent
    wait_until 5 remove_groups mine
    if is_v2 || [[ -d /sys/fs/cgroup/unified ]]; then
        id=$(enter_split && noting run -d --name split --cgroups split --memory 64m bb sleep 1000)
        PID=$(pid_of split)
        check_noted "CALL-31 --cgroups split" ' : --log-format=json --log [^ ]+ create --bundle '
        check_match "CALL-31 TRAP-58 is below podman's own cgroup" "$(group_of "$PID")" \
            "^/caller/libpod-payload-$id"
        check_equal "CALL-31 with its limit" "$(limit_of "$PID" memory)" 67108864
        end_sleeper split
        wait_until 5 remove_groups caller
    else
        skip "CALL-31 --cgroups split" "podman wants a v2 hierarchy beside the others"
    fi
}

# What systemd knows of a container.
options_units() {
    local id
    id=$(podman run -d --name unit --systemd always --stop-signal USR1 --stop-timeout 7 --memory 64m bb sleep 1000)
    check_equal "CALL-45 systemd stops it with its own signal and in its own time" \
        "$(systemctl show --property=KillSignal,TimeoutStopUSec "libpod-$id.scope" | sort | tr '\n' ' ')" \
        "KillSignal=10 TimeoutStopUSec=7s "
    check_equal "conmon has a scope of its own" "$(group_of "$(podman inspect --format '{{.State.ConmonPid}}' unit)")" \
        "/machine.slice/libpod-conmon-$id.scope"
    check_equal "systemd knows the limit" "$(systemctl show --property=MemoryMax --value "libpod-$id.scope")" 67108864
    systemctl kill --signal KILL "libpod-$id.scope"
    check_equal "what systemd kills is known to podman" "$(podman wait unit)" 137
    end_sleeper unit
    check_equal "CALL-39 no unit stays" "$(systemctl list-units --all --plain --no-legend "*$id*")" ""
}

# enter_split: the subshell that calls it goes into a cgroup of its own in all hierarchies, as podman wants it.
enter_split() {
    local folder
    for folder in $(is_v2 && echo /sys/fs/cgroup/ || echo /sys/fs/cgroup/*/); do
        [[ ! -L ${folder%/} ]] || continue
        mkdir -p "${folder}caller"
        for file in cpuset.cpus cpuset.mems; do
            [[ ! -e $folder$file || $folder == */unified/ ]] || is_v2 || cat "$folder$file" >"${folder}caller/$file"
        done
        echo "$BASHPID" >"${folder}caller/cgroup.procs"
    done
}

options_limits() {
    check_run "--sysctl" 1 --sysctl net.ipv4.ip_forward=1 bb cat /proc/sys/net/ipv4/ip_forward
    check_run "--ulimit" "100 200 0" --ulimit nofile=100:200 --ulimit core=0:0 --ulimit nproc=1000:1000 bb \
        sh -c 'echo $(ulimit -Sn) $(ulimit -Hn) $(ulimit -c)'
    check_match "--pids-limit" "$(podman run --rm --pids-limit 6 bb \
        sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait' 2>&1)" "can't fork"
    check_run "--oom-score-adj" 300 --oom-score-adj 300 bb cat /proc/self/oom_score_adj
    check_run "--umask" 0027 --umask 0027 bb sh -c umask
    check_run "--device" "c 1:b" --device /dev/kmsg:/dev/mine:r --cap-add SYSLOG bb \
        sh -c ': </dev/mine && ls -l /dev/mine | head -c 1 && stat -c " %t:%T" /dev/mine'
    check_match "--device: no more than what was asked for" "$(podman run --rm \
        --device /dev/kmsg:/dev/mine:r --cap-add SYSLOG bb sh -c ': >/dev/mine' 2>&1)" 'Operation not permitted'
    check_run "--device-cgroup-rule" 0 --device-cgroup-rule 'c 1:7 rw' --cap-add MKNOD bb \
        sh -c 'busybox mknod /dev/own c 1 7 && { echo 2>/dev/null >/dev/own; test $? = 1; }; echo $?'
    check_run "--hostname and --env" "box B" --hostname box -e A=B bb sh -c 'echo $(hostname) $A'
    # Debian 12's podman starts conmon in its own working folder, which conmon takes for the container's.
    podman create --name oom --memory 16m --memory-swap 16m bb sh -c 'sleep 0.3; tail -c 100m /dev/zero' >/dev/null
    (cd "$PODMAN_DIR/root/overlay-containers/$(podman inspect --format '{{.Id}}' oom)/userdata" && podman start oom) \
        >/dev/null
    check_equal "the OOM killer's work gives 137" "$(podman wait oom)" 137
    check_equal "and podman knows of it" "$(podman inspect --format '{{.State.OOMKilled}}' oom)" true
    podman rm oom >/dev/null
}

options_security() {
    check_run "--security-opt mask" "0 0" --security-opt mask=/etc:/proc/uptime bb \
        sh -c 'echo $(ls /etc | wc -l) $(wc -c </proc/uptime)'
    check_run "--security-opt unmask" yes --security-opt unmask=/proc/keys bb \
        sh -c 'grep -q " /proc/keys " /proc/mounts || echo yes'
    check_run "--security-opt unmask=ALL" 0 --security-opt unmask=ALL bb \
        sh -c 'grep -cE " /proc/(sys|keys|acpi|bus) " /proc/mounts | head -n 1'
    check_run "--security-opt no-new-privileges" 1 --security-opt no-new-privileges bb \
        sh -c 'grep NoNewPrivs /proc/self/status | grep -o "[0-9]$"'
    check_run "--security-opt seccomp=unconfined" 0 --security-opt seccomp=unconfined bb \
        sh -c 'grep Seccomp: /proc/self/status | grep -o "[0-9]*$"'
    cat >"$SCRATCH/profile.json" <<'EOT'
{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}
EOT
    check_match "--security-opt seccomp=FILE" \
        "$(podman run --rm --security-opt seccomp="$SCRATCH/profile.json" bb mkdir /x 2>&1)" 'Function not implemented'
    check_run "--cap-drop ALL --cap-add" 0000000000000400 --cap-drop ALL --cap-add NET_BIND_SERVICE bb \
        sh -c 'grep CapBnd /proc/self/status | grep -o "[0-9a-f]*$"'
    check_run "--user with --cap-add: it is ambient" 0000000000000400 --user 1000 --cap-add NET_BIND_SERVICE bb \
        sh -c 'grep CapAmb /proc/self/status | grep -o "[0-9a-f]*$"'
    check_run "--privileged sees all devices" yes --privileged bb sh -c 'test -c /dev/kmsg && echo yes'
    local hierarchy=systemd other=pids
    ! is_v2 || hierarchy=. other=..
    check_run "--systemd=always" "yes yes no" --systemd always -e "OWN=$hierarchy" -e "OTHER=$other" bb sh -c 'cd /sys/fs/cgroup
        mkdir $OWN/x 2>/dev/null && rmdir $OWN/x && own=yes
        grep -q "^tmpfs /run tmpfs" /proc/mounts && run=yes
        mkdir $OTHER/x 2>/dev/null || echo $own $run no'
    check_run "without it nothing of the cgroups can be written" no -e "OWN=$hierarchy" bb \
        sh -c 'mkdir /sys/fs/cgroup/$OWN/x 2>/dev/null || echo no'
}

options_descriptors() {
    check_equal "CALL-44 --preserve-fds" "$(podman run --rm --preserve-fds 2 bb \
        sh -c 'read a <&3; read b <&4; echo "$a $b"; ls /proc/self/fd | wc -l' 3< <(echo three) 4< <(echo four) |
        tr '\n' ' ')" "three four 6 "
    check_equal "CALL-44 TRAP-09 LISTEN_FDS beside it" "$(LISTEN_FDS=1 LISTEN_PID=$BASHPID bash -c '
        export LISTEN_PID=$$; exec "$@"' sh "${PODMAN[@]}" run --rm bb \
        sh -c 'read a <&3; echo "$a $LISTEN_FDS $LISTEN_PID"' 3< <(echo three))" "three 1 1"
    python3 -B - "$SCRATCH/notify" "$SCRATCH/heard" <<'EOT' &
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
    listener.bind(sys.argv[1])
    listener.settimeout(20)
    heard = ""
    while "READY" not in heard:
        heard += listener.recv(4096).decode() + "\n"
        open(sys.argv[2], "w").write(heard)
EOT
    local listener=$!
    wait_until 5 test -S "$SCRATCH/notify"
    NOTIFY_SOCKET=$SCRATCH/notify podman run -d --name conmon-notifies --sdnotify conmon bb sleep 1000 >/dev/null
    wait "$listener"
    check_match "--sdnotify conmon" "$(cat "$SCRATCH/heard")" "MAINPID=[0-9]+.*READY=1"
    end_sleeper conmon-notifies
    NOTIFY_SOCKET=$SCRATCH/other podman run -d --name own --sdnotify container bb \
        sh -c 'echo $NOTIFY_SOCKET; test -S $NOTIFY_SOCKET && echo there; sleep 1000' >/dev/null 2>&1 &
    check_match "CALL-44 --sdnotify container has a socket of its own" \
        "$(wait_until 5 said own there && podman logs own | tr '\n' ' ')" '/run/notify/notify.sock there'
    end_sleeper own
    wait "$!"
}

said() {
    podman logs "$1" 2>&1 | grep -q "$2"
}

prepare_podman
options_create
options_failures
options_users
options_namespaces
options_cgroups
! with_systemd || options_units
options_limits
options_security
options_descriptors
check_nothing_left "nothing is left of all these options" "$BEFORE" "${STATE_FOLDERS[@]}"
finish
