#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docker's options that shape the process: identity, capabilities, seccomp, limits, namespaces.
# shellcheck disable=SC2016,SC2119
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/docker_lib.sh
source "$HERE/docker_lib.sh"

# shown FIELD NAME OPTION...: that field of /proc/PID/status of a sleeper with these options.
shown() {
    local field=$1
    shift
    start_sleeper shown "$@" && status_field "$PID" "$field"
    end_sleeper shown
}

own_init() {
    start_sleeper tiny --init || return 0
    check_match "--init: docker's init is PID 1" "$(tr '\0' ' ' <"/proc/$PID/cmdline")" \
        '^/sbin/docker-init -- sleep 1000'
    docker exec -d tiny sh -c '(sleep 0.1 &) ; exec true'
    no_zombies() {
        ! docker exec tiny ps -o stat | grep -q Z
    }
    check_soon "--init reaps what others leave" no_zombies
    check_status "--init hands the stop signal on" 0 docker stop -t 10 tiny
    check_equal "and tells how the program ended" "$(inspect tiny State.ExitCode)" 143
    end_sleeper tiny
    check_run "--init hands the exit code on" " (exit status 44)" --init bb sh -c 'exit 44'
}

identity() {
    check_run "--user NAME" "1000 1000" --user app bb sh -c 'echo $(id -u) $(id -g)'
    check_run "--user UID:GID" "7 8" --user 7:8 bb sh -c 'echo $(id -u) $(id -g)'
    check_equal "--group-add by number" "$(shown Groups --user 7:8 --group-add 9 --group-add 2000)" "8 9 2000"
    check_equal "--group-add by name" "$(shown Groups --user 7:8 --group-add app)" "8 1000"
    check_run "TRAP-46 HOME is the user's" /home/app --user app bb sh -c 'echo $HOME'
    check_run "TRAP-46 HOME of a user without an entry is /" / --user 4242 bb sh -c 'echo $HOME'
    check_run "TRAP-42 files are made with umask 0022" 0022 bb sh -c umask
    check_run "TRAP-47 a missing --workdir is made" /new/deep --workdir /new/deep bb pwd
}

capabilities() {
    check_equal "--cap-drop ALL leaves none" "$(shown CapBnd --cap-drop ALL)" 0000000000000000
    check_equal "--cap-drop ALL --cap-add KILL leaves one" "$(shown CapEff --cap-drop ALL --cap-add KILL)" \
        0000000000000020
    check_match "--cap-add ALL is all that docker knows" "$(shown CapEff --cap-add ALL)" "$ALL_OF_DOCKER"
    check_run "--cap-drop CHOWN is felt" denied --cap-drop CHOWN bb \
        sh -c 'busybox chown 1 /tmp 2>/dev/null || echo denied'
    start_sleeper privileged --privileged || return 0
    check_equal "--privileged: sysfs can be written" \
        "$(docker exec privileged sh -c 'grep -c " /sys sysfs rw" /proc/mounts')" 1
    check_match "--privileged: nothing of /proc is masked" \
        "$(docker exec privileged sh -c 'grep -c " /proc/" /proc/mounts || true')" '^0$'
    check_status "--privileged: the host's devices are there" 0 docker exec privileged test -c /dev/kmsg
    check_match "--privileged: every device may be used" "$(device_access "$PID")" '^[a-z]+:rw( [a-z/-]+:rw)*$'
    end_sleeper privileged
}

security() {
    local profile=$SCRATCH/no-mkdir.json
    cat >"$profile" <<'EOT'
{"defaultAction": "SCMP_ACT_ALLOW",
 "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}
EOT
    check_run "--security-opt seccomp=FILE refuses what it names, and no more" "Operation not supported; touched" \
        --security-opt "seccomp=$profile" bb \
        sh -c 'mkdir /tmp/x 2>&1 | grep -o "Operation not supported; *\|Operation not supported" | tr "\n" ";"; touch /tmp/y && echo " touched"'
    check_equal "--security-opt seccomp=unconfined has no filter" \
        "$(shown Seccomp --security-opt seccomp=unconfined)" 0
    check_equal "the default profile is a filter" "$(shown Seccomp)" 2
    check_run "the default profile refuses keyctl's sisters" denied bb \
        sh -c 'busybox unshare -m true 2>/dev/null || echo denied'
    check_equal "--security-opt no-new-privileges" "$(shown NoNewPrivs --security-opt no-new-privileges)" 1
    check_equal "it is off by default" "$(shown NoNewPrivs)" 0
    local covered='busybox cut -d " " -f 2 /proc/mounts | grep "^/proc/" | sort'
    check_equal "/proc is covered at the same places as with runc" "$(docker run --rm bb sh -c "$covered")" \
        "$(docker run --rm --runtime runc bb sh -c "$covered")"
    check_run "--security-opt systempaths=unconfined: nowhere" 0 --security-opt systempaths=unconfined bb \
        sh -c 'grep -c " /proc/" /proc/mounts || true'
}

kernel_limits() {
    start_sleeper limited --ulimit nofile=99:199 --ulimit core=0:0 --oom-score-adj 321 || return 0
    check_match "--ulimit nofile=99:199" "$(grep 'open files' "/proc/$PID/limits")" ' 99 +199 '
    check_match "--ulimit core=0" "$(grep 'core file' "/proc/$PID/limits")" ' 0 +0 '
    check_equal "--oom-score-adj" "$(cat "/proc/$PID/oom_score_adj")" 321
    check_equal "exec has the same limits" "$(docker exec limited sh -c 'ulimit -n; ulimit -Hn' | tr '\n' ' ')" "99 199 "
    check_equal "TRAP-49 exec has the same oom_score_adj" "$(docker exec limited cat /proc/self/oom_score_adj)" 321
    end_sleeper limited
    check_run "--sysctl net.*" 77 --sysctl net.ipv4.ip_unprivileged_port_start=77 bb \
        cat /proc/sys/net/ipv4/ip_unprivileged_port_start
    check_run "--sysctl kernel.* of its own ipc namespace" 12345 --sysctl kernel.msgmax=12345 bb \
        cat /proc/sys/kernel/msgmax
    check_match "an impossible value of --sysctl is told" \
        "$(docker run --rm --sysctl net.ipv4.ip_unprivileged_port_start=many bb true 2>&1 || true)" \
        'ip_unprivileged_port_start.*invalid argument'
    check_run "--shm-size" 7168 --shm-size 7m bb sh -c 'busybox df -k /dev/shm | tail -n 1 | busybox awk "{ print \$2 }"'
}

namespaces() {
    if start_sleeper host-pid --pid host; then
        check_equal "--pid host shares only that" "$(own_namespaces "$PID" | sed 's/^cgroup //')" "ipc mnt net uts"
        docker exec -d host-pid sleep 555
        wait_until 5 pgrep -x -f 'sleep 555' || true
        docker kill host-pid >/dev/null
        gone() {
            ! pgrep -x -f 'sleep (555|1000)' >/dev/null
        }
        check_soon "CALL-12 kill ends all of it when it has no pid namespace" gone
    fi
    end_sleeper host-pid
    if start_sleeper host-uts --uts host; then
        check_equal "--uts host shares only that" "$(own_namespaces "$PID" | sed 's/^cgroup //')" "ipc mnt net pid"
        check_equal "--uts host has the host's name" "$(docker exec host-uts hostname)" "$(hostname)"
    fi
    end_sleeper host-uts
    start_sleeper first --ipc shareable || return 0
    docker exec first sh -c 'echo shared >/dev/shm/word'
    check_run "--ipc container: shares /dev/shm" shared --ipc container:first bb cat /dev/shm/word
    check_run "--ipc private does not" "no" bb sh -c 'test -e /dev/shm/word || echo no'
    check_run "--ipc none has no /dev/shm of its own" "no" --ipc none bb \
        sh -c 'grep -q " /dev/shm " /proc/mounts || echo no'
    check_run "--pid container: sees the other's processes" "sleep 1000" --pid container:first bb \
        sh -c 'ps -o args | grep "^sleep"'
    end_sleeper first
    check_run "--cgroupns private shows its cgroup as the top" "/" --cgroupns private bb \
        sh -c "grep $GROUP_LINE /proc/self/cgroup | grep -o '/.*'"
    check_match "--cgroupns host shows where it lies" \
        "$(docker run --rm --cgroupns host bb grep "$GROUP_LINE" /proc/self/cgroup)" "$(group_named '[0-9a-f]{64}')\$"
    check_run "--cgroupns private sees its own limits" 55 --cgroupns private --pids-limit 55 bb \
        cat "/sys/fs/cgroup/$(is_v2 || echo pids)/pids.max"
}

use_docker
use_image
warm_up
before=$(leftovers "${STATE_FOLDERS[@]}")
own_init
identity
capabilities
security
kernel_limits
namespaces
check_nothing_left "nothing is left after all of them" "$before" "${STATE_FOLDERS[@]}"
finish
