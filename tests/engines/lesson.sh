# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2317
# The lesson through podman and docker, whose command lines agree: what a container is, seen from
# inside and from the host. Sourced after lib.sh; the image is `bb`.

ENGINE=
DEFAULT_CAPS=
# How to remove at once, and how to run the same container by runc.
REMOVE=(rm -f)
RUNC_GLOBAL=()
RUNC_RUN=()

# pid_of CONTAINER: on the host.
pid_of() {
    "$ENGINE" inspect --format '{{.State.Pid}}' "$1"
}

status_of() {
    "$ENGINE" inspect --format '{{.State.Status}}' "$1"
}

# start_sleeper NAME OPTION...: a detached sleep; its pid goes to $PID.
start_sleeper() {
    local name=$1 output
    shift
    PID=0
    if output=$("$ENGINE" run -d --name "$name" "$@" bb sleep 1000 2>&1); then
        PID=$(pid_of "$name")
    else
        not_ok "$name starts" "$output"
        return 1
    fi
}

end_sleeper() {
    "$ENGINE" "${REMOVE[@]}" "$1" >/dev/null 2>&1 || true
}

# run_once WANTED_OUTPUT NAME OPTION... : a foreground container's output.
check_run() {
    local name=$1 wanted=$2 output
    shift 2
    output=$("$ENGINE" run --rm "$@" 2>&1 </dev/null) || output+=" (exit status $?)"
    check_equal "$name" "$output" "$wanted"
}

lesson_isolation() {
    start_sleeper lesson || return 0
    check_equal "sleep is PID 1 inside" "$(pid_inside "$PID")" 1
    check_match "and has another PID on the host" "$PID" '^([2-9]|[1-9][0-9]+)$'
    check_equal "it is sleep itself" "$(cat "/proc/$PID/comm")" sleep
    check_equal "in namespaces of its own" "$(own_namespaces "$PID" | sed 's/^cgroup //')" \
        "ipc mnt net pid uts"
    check_equal "root by default" "$(status_field "$PID" Uid)" "0 0 0 0"
    local field
    for field in CapEff CapPrm CapBnd; do
        check_equal "the engine's default capabilities and no more: $field" \
            "$(status_field "$PID" "$field")" "$DEFAULT_CAPS"
    done
    for field in CapInh CapAmb; do
        check_equal "no capability to hand on: $field" "$(status_field "$PID" "$field")" \
            0000000000000000
    done
    check_equal "a seccomp filter" "$(status_field "$PID" Seccomp)" 2
    check_equal "no descriptors but stdio" "$(cd "/proc/$PID/fd" && echo *)" "0 1 2"
    check_match "inside, ps shows sleep as the first" "$("$ENGINE" exec lesson ps)" \
        ' 1 root +([0-9:]+ +)?sleep 1000'
    check_equal "the host's files are out of sight" \
        "$("$ENGINE" exec lesson sh -c "ls -d $SCRATCH 2>/dev/null" || true)" ""
}

# warm_up: makes what engines and runtimes keep for ever, such as the parents of cgroups.
warm_up() {
    "$ENGINE" run --rm --network host bb true >/dev/null 2>&1 || true
    if command -v runc >/dev/null; then
        "$ENGINE" "${RUNC_GLOBAL[@]}" run --rm "${RUNC_RUN[@]}" bb true >/dev/null 2>&1 || true
    fi
}

# The same container by runc, where it is installed, must look the same to the kernel.
lesson_same_as_runc() {
    local runc=$1 ours theirs fields='^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|SigBlk|SigIgn):'
    command -v runc >/dev/null || {
        echo "ok $((++TAP_COUNT)) - the same as with runc # SKIP runc is not installed"
        return
    }
    ours=$(grep -E "$fields" "/proc/$PID/status")
    "$ENGINE" "${RUNC_GLOBAL[@]}" run -d --name by-runc "${RUNC_RUN[@]}" bb sleep 1000 >/dev/null
    theirs=$(grep -E "$fields" "/proc/$("$ENGINE" "${RUNC_GLOBAL[@]}" inspect \
        --format '{{.State.Pid}}' by-runc)/status")
    "$ENGINE" "${RUNC_GLOBAL[@]}" "${REMOVE[@]}" by-runc >/dev/null
    check_equal "identity, capabilities and signals are the same as with $runc" "$ours" "$theirs"
}

exit_status() {
    local status=0
    "$ENGINE" "$@" >/dev/null 2>&1 </dev/null || status=$?
    echo "$status"
}

lesson_exec() {
    check_equal "exec runs as the container's user" "$("$ENGINE" exec lesson id -u)" 0
    check_equal "exec has the container's capabilities" \
        "$("$ENGINE" exec lesson grep CapEff /proc/self/status | cut -f 2)" "$DEFAULT_CAPS"
    check_equal "exec --user" "$("$ENGINE" exec --user app lesson id -u)" 1000
    check_equal "exec --workdir --env" \
        "$("$ENGINE" exec --workdir /tmp --env A=B lesson sh -c 'echo $PWD $A')" "/tmp B"
    check_equal "exec -i reads our input" "$(echo word | "$ENGINE" exec -i lesson cat)" word
    check_equal "exec without -t has no terminal" \
        "$("$ENGINE" exec lesson sh -c 'test -t 1 || echo none')" none
    check_match "exec -t gives a terminal" "$("$ENGINE" exec -t lesson tty)" '^/dev/pts/[0-9]+'
    check_match "exec -t is the terminal's session leader" \
        "$("$ENGINE" exec -t lesson sh -c 'echo on-tty >/dev/tty')" on-tty
    check_status "X-10 exec passes the exit code on" 7 "$ENGINE" exec lesson sh -c 'exit 7'
    # Later versions of docker tell the two apart as podman does; 20.10 says 126 for both.
    check_match "exec of a missing program gives 127" "$(exit_status exec lesson nope)" '^12[67]$'
    check_status "exec of a file that cannot be executed gives 126" 126 \
        "$ENGINE" exec lesson /bin/notexec
    "$ENGINE" exec -d lesson touch /tmp/detached >/dev/null
    if wait_until 5 test -e "/proc/$PID/root/tmp/detached"; then
        ok "exec -d does its work"
    else
        not_ok "exec -d does its work"
    fi
}

lesson_foreground() {
    check_equal "output of a foreground container" \
        "$("$ENGINE" run --rm bb sh -c 'echo out; echo err >&2' 2>&1 | sort | tr '\n' ' ')" "err out "
    check_status "its exit code" 3 "$ENGINE" run --rm bb sh -c 'exit 3'
    check_status "X-05 X-06 X-10 a missing program gives 127" 127 "$ENGINE" run --rm bb nope
    check_status "a missing absolute program gives 127" 127 "$ENGINE" run --rm bb /no/such
    check_status "X-05 X-06 X-10 a file that cannot be executed gives 126" 126 "$ENGINE" run --rm bb /bin/notexec
    check_status "a folder gives 126" 126 "$ENGINE" run --rm bb /etc
    check_equal "input reaches a container" "$(echo word | "$ENGINE" run --rm -i bb cat)" word
    check_match "run -t gives a terminal" "$("$ENGINE" run --rm -t bb tty)" '^/dev/(pts/0|console)'
    check_run "an entry in the environment" "B" -e A=B bb sh -c 'echo $A'
    check_run "--workdir" "/tmp" --workdir /tmp bb pwd
    check_run "--hostname" "box" --hostname box bb hostname
    check_run "--network none has but lo" "lo" --network none bb ls /sys/class/net
    check_run "--init puts an init at PID 1" "yes" --init bb \
        sh -c 'test $$ != 1 && grep -q -- -- /proc/1/cmdline && echo yes'
}

lesson_logs() {
    "$ENGINE" run -d --name logged bb sh -c 'echo out; echo err >&2; exit 4' >/dev/null
    check_equal "X-08 X-10 wait gives the exit code" "$("$ENGINE" wait logged)" 4
    check_equal "logs keep both streams" "$("$ENGINE" logs logged 2>&1 | sort | tr '\n' ' ')" \
        "err out "
    "$ENGINE" rm logged >/dev/null
}

lesson_users() {
    if start_sleeper user --user=1000; then
        check_equal "--user=1000" "$(status_field "$PID" Uid)" "1000 1000 1000 1000"
        check_equal "--user=1000 has its group" "$(status_field "$PID" Gid)" "1000 1000 1000 1000"
        check_equal "--user=1000 holds no capability" "$(status_field "$PID" CapEff)" \
            0000000000000000
        check_equal "--user=1000 keeps the bounding set" "$(status_field "$PID" CapBnd)" \
            "$DEFAULT_CAPS"
        check_equal "exec into it is the same user" "$("$ENGINE" exec user id -u)" 1000
    fi
    end_sleeper user
    check_run "--user with --group-add" "1000 1000,2000" --user 1000:1000 --group-add 2000 bb \
        sh -c 'echo "$(id -u) $(id -G | grep -o "1000\|2000" | sort -u | tr "\n" , | head -c 9)"'
}

# lesson_built_image IMAGE: made from a Dockerfile with `USER 1000`, through the runtime.
lesson_built_image() {
    check_run "the image's user is 1000" 1000 "$1" id -u
    check_run "a RUN before USER was root's" 0 "$1" stat -c %u /by-root
    check_run "a RUN after USER was 1000's" 1000 "$1" stat -c %u /home/app/by-user
    check_run "a USER image holds no capability" 0000000000000000 "$1" \
        sh -c 'grep CapEff /proc/self/status | grep -o "[0-9a-f]*$"'
}

write_dockerfile() {
    cat >"$1" <<'EOF'
FROM bb
RUN id -u && touch /by-root
USER 1000
RUN touch /home/app/by-user
CMD ["sleep", "1000"]
EOF
}

lesson_capabilities() {
    if start_sleeper added --cap-add MAC_ADMIN; then
        check_equal "--cap-add MAC_ADMIN adds it and no more" "$(status_field "$PID" CapEff)" \
            "$(with_capability "$DEFAULT_CAPS" "$CAP_MAC_ADMIN")"
    fi
    end_sleeper added
    if start_sleeper dropped --cap-drop KILL; then
        check_equal "--cap-drop KILL drops it and no more" "$(status_field "$PID" CapEff)" \
            "$(without_capability "$DEFAULT_CAPS" "$CAP_KILL")"
        check_equal "--cap-drop KILL drops it from the bounding set" \
            "$(status_field "$PID" CapBnd)" "$(without_capability "$DEFAULT_CAPS" "$CAP_KILL")"
    fi
    end_sleeper dropped
    if start_sleeper privileged --privileged; then
        check_match "--privileged has all that the engine knows and this machine can give" \
            "$(status_field "$PID" CapEff)" "$ALL_OF_DOCKER"
        check_equal "--privileged has no seccomp filter" "$(status_field "$PID" Seccomp)" 0
        check_status "--privileged may mount" 0 "$ENGINE" exec privileged \
            sh -c 'busybox mount -t tmpfs none /data'
    fi
    end_sleeper privileged
    check_status "without it, a mount is refused" 1 "$ENGINE" exec lesson \
        sh -c 'busybox mount -t tmpfs none /data || exit 1'
    check_run "--security-opt no-new-privileges" 1 --security-opt no-new-privileges bb \
        sh -c 'grep NoNewPrivs /proc/self/status | grep -o "[0-9]*$"'
}

lesson_files() {
    mkdir -p "$SCRATCH/volume"
    check_status "a volume can be written" 0 "$ENGINE" run --rm -v "$SCRATCH/volume:/data" bb \
        touch /data/made
    check_equal "and the host sees it" "$(ls "$SCRATCH/volume")" made
    check_status "a read-only volume cannot" 1 "$ENGINE" run --rm -v "$SCRATCH/volume:/data:ro" bb \
        touch /data/no
    check_status "--read-only" 1 "$ENGINE" run --rm --read-only bb touch /no
    check_run "--tmpfs" "tmpfs 700" --tmpfs /scratch:mode=700,size=1m bb \
        sh -c 'echo $(grep " /scratch " /proc/mounts | cut -d" " -f3) $(stat -c %a /scratch)'
    check_status "/proc/sys is read-only" 1 "$ENGINE" run --rm bb \
        sh -c 'echo x >/proc/sys/kernel/hostname || exit 1'
    check_run "/proc/keys is masked" 0 bb sh -c 'cat /proc/keys | wc -c'
    check_run "the default devices" "full null random tty urandom zero" bb \
        sh -c 'cd /dev; echo $(ls -d full null random tty urandom zero 2>/dev/null)'
}

lesson_host_namespaces() {
    if start_sleeper shared --network host --pid host --ipc host --uts host; then
        check_equal "the host's namespaces can be shared" "$(own_namespaces "$PID" | sed 's/^cgroup //')" mnt
        check_equal "its PID is the same on both sides" "$(pid_inside "$PID")" "$PID"
    fi
    "$ENGINE" stop -t 1 shared >/dev/null 2>&1 || true
    end_sleeper shared
    if start_sleeper first --ipc shareable && start_sleeper second --network container:first --ipc container:first \
        --pid container:first; then
        check_equal "containers can share a network" \
            "$(readlink "/proc/$PID/ns/net")" "$(readlink "/proc/$(pid_of first)/ns/net")"
        check_equal "containers can share PIDs" \
            "$(readlink "/proc/$PID/ns/pid")" "$(readlink "/proc/$(pid_of first)/ns/pid")"
        check_match "the second is not PID 1 there" "$(pid_inside "$PID")" '^[2-9]'
    fi
    end_sleeper second
    end_sleeper first
}

lesson_limits() {
    if start_sleeper limited --memory 64m --pids-limit 77 --cpu-shares 333 --cpuset-cpus 0; then
        check_equal "--memory" "$(limit_of "$PID" memory)" 67108864
        check_equal "--pids-limit" "$(limit_of "$PID" pids)" 77
        check_equal "--cpu-shares" "$(limit_of "$PID" shares)" "$(as_shares 333)"
        check_equal "--cpuset-cpus" "$(limit_of "$PID" cpus)" 0
        "$ENGINE" exec -d limited sleep 500 >/dev/null
        wait_until 5 test "$(limit_of "$PID" processes | wc -l)" -ge 2 || true
        check_equal "exec joins the container's cgroup" \
            "$(limit_of "$PID" processes | wc -l)" 2
    fi
    end_sleeper limited
}

lesson_update() {
    local rules
    if start_sleeper changing --memory 64m --memory-swap 64m --cpu-shares 333; then
        rules=$(device_access "$PID")
        check_status "update" 0 "$ENGINE" update --memory 128m --memory-swap 256m --cpu-shares 222 \
            --cpu-quota 40000 --cpuset-cpus 0 changing
        check_equal "X-07 update --memory" "$(limit_of "$PID" memory)" 134217728
        check_equal "update --memory-swap" "$(limit_of "$PID" memory+swap)" 268435456
        check_equal "update --cpu-shares" "$(limit_of "$PID" shares)" "$(as_shares 222)"
        check_equal "update --cpu-quota" "$(limit_of "$PID" quota)" 40000
        check_equal "update --cpuset-cpus" "$(limit_of "$PID" cpus)" 0
        check_status "update a second time" 0 "$ENGINE" update --memory 32m --memory-swap 32m changing
        check_equal "X-11 and down again" "$(limit_of "$PID" memory)" 33554432
        check_equal "what it does not name stays" "$(limit_of "$PID" shares)" "$(as_shares 222)"
        check_equal "RD-04 trap-51 device rules stay" "$(device_access "$PID")" "$rules"
        if with_systemd; then
            systemctl daemon-reload
            check_equal "daemon-reload changes nothing" \
                "$(limit_of "$PID" memory) $(limit_of "$PID" shares) $(limit_of "$PID" quota) $(device_access "$PID")" \
                "33554432 $(as_shares 222) 40000 $rules"
        fi
        check_status "the container goes on" 0 "$ENGINE" exec changing sh -c ': >/dev/null'
    fi
    end_sleeper changing
}

lesson_signals() {
    "$ENGINE" run -d --name trapper bb sh -c \
        'trap "exit 5" TERM; trap "echo usr1" USR1; echo ready; while :; do sleep 0.05; done' >/dev/null
    said() {
        "$ENGINE" logs "$1" 2>&1 | grep -q "$2"
    }
    wait_until 5 said trapper ready || true
    "$ENGINE" kill --signal USR1 trapper >/dev/null
    if wait_until 5 said trapper usr1; then
        ok "kill --signal USR1 arrives"
    else
        not_ok "kill --signal USR1 arrives"
    fi
    "$ENGINE" stop -t 10 trapper >/dev/null
    check_equal "stop sends TERM" "$("$ENGINE" inspect --format '{{.State.ExitCode}}' trapper)" 5
    "$ENGINE" rm trapper >/dev/null
    start_sleeper stubborn || return 0
    "$ENGINE" stop -t 1 stubborn >/dev/null 2>&1
    check_equal "stop kills who does not listen" \
        "$("$ENGINE" inspect --format '{{.State.ExitCode}}' stubborn)" 137
    "$ENGINE" start stubborn >/dev/null
    check_equal "a stopped container starts again" "$(status_of stubborn)" running
    "$ENGINE" kill stubborn >/dev/null
    check_equal "X-02 X-03 kill sends KILL" "$("$ENGINE" wait stubborn)" 137
    end_sleeper stubborn
}

lesson_pause() {
    "$ENGINE" run -d --name ticker bb sh -c 'while :; do echo >>/tmp/ticks; sleep 0.02; done' >/dev/null
    local ticks before
    ticks=/proc/$(pid_of ticker)/root/tmp/ticks
    wait_until 5 test -s "$ticks" || true
    "$ENGINE" pause ticker >/dev/null
    check_equal "X-07 pause is known" "$(status_of ticker)" paused
    before=$(stat -c %s "$ticks")
    sleep 0.3
    check_equal "a paused container does nothing" "$(stat -c %s "$ticks")" "$before"
    "$ENGINE" unpause ticker >/dev/null
    grew() {
        (($(stat -c %s "$ticks") > before))
    }
    if wait_until 5 grew; then
        ok "unpause lets it go on"
    else
        not_ok "unpause lets it go on"
    fi
    "$ENGINE" "${REMOVE[@]}" ticker >/dev/null
}

# Ten at once: each gets its own state, cgroup and exit.
lesson_crowd() {
    local number jobs=() failed=0
    for number in {1..10}; do
        "$ENGINE" run --rm bb sh -c "exit $number" >/dev/null 2>&1 &
        jobs+=($!)
    done
    for number in {1..10}; do
        local status=0
        wait "${jobs[number - 1]}" || status=$?
        ((status == number)) || ((++failed))
    done
    check_equal "ten containers at once each end with their own exit code" "$failed" 0
}
