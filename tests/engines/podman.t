#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The lesson through podman: run, exec, build, pods and `kube play`, all with BRIG as the runtime.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/podman_lib.sh
source "$HERE/podman_lib.sh"

podman_build() {
    write_dockerfile "$SCRATCH/Dockerfile"
    mkdir -p "$SCRATCH/empty"
    check_status "an image with USER 1000 is built" 0 noting build \
        --isolation oci --pull=never -t built -f "$SCRATCH/Dockerfile" "$SCRATCH/empty"
    check_equal "X-12 its RUN steps ran through the runtime" \
        "$(grep -c '\bcreate\b' "$SCRATCH/noted" || true)" 2
    lesson_built_image built
}

# A supervisor says who the program is.
podman_supervised() {
    cat >"$SCRATCH/notify.json" <<EOF
{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "$SCRATCH/supervisor", "listenerMetadata": "meta",
 "syscalls": [{"names": ["getuid", "geteuid"], "action": "SCMP_ACT_NOTIFY"}]}
EOF
    python3 -B - "$HERE/.." "$SCRATCH/supervisor" >"$SCRATCH/states" <<'EOF' &
import sys
sys.path.insert(0, sys.argv[1])
from harness.supervisor import Supervisor
with Supervisor(sys.argv[2], lambda *_: (4242, 0)) as supervisor:
    while len(supervisor.states) < 2:
        supervisor.threads[0].join(0.02)
    for state in supervisor.states:
        print(state["metadata"], state["state"]["status"])
    supervisor.threads[-1].join(5)
EOF
    local supervisor=$!
    until [[ -S $SCRATCH/supervisor ]]; do sleep 0.02; done
    start_sleeper supervised --security-opt "seccomp=$SCRATCH/notify.json" || return 0
    check_equal "seccomp: the supervisor's answer in exec" "$(podman exec supervised id -u 2>&1)" 4242
    wait "$supervisor"
    check_equal "seccomp: its states" "$(cat "$SCRATCH/states")" $'meta created\nmeta running'
    end_sleeper supervised
}

podman_kube() {
    cat >"$SCRATCH/pod.yaml" <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: kube}
spec:
  securityContext: {runAsUser: 1000}
  containers:
  - {name: plain, image: bb, imagePullPolicy: Never, command: [sleep, "1000"]}
  - name: override
    image: bb
    imagePullPolicy: Never
    command: [sleep, "1000"]
    securityContext: {runAsUser: 0, capabilities: {add: [MAC_ADMIN], drop: [KILL]}}
  - name: bare
    image: bb
    imagePullPolicy: Never
    command: [sleep, "1000"]
    securityContext: {runAsUser: 0, capabilities: {drop: [ALL]}}
EOF
    local output plain override bare
    output=$(podman kube play --network none "$SCRATCH/pod.yaml" 2>&1) || {
        not_ok "kube play" "$output"
        return
    }
    ok "kube play"
    plain=$(pid_of kube-plain) override=$(pid_of kube-override) bare=$(pid_of kube-bare)
    check_equal "the pod's runAsUser" "$(status_field "$plain" Uid)" "1000 1000 1000 1000"
    check_equal "its user holds no capability" "$(status_field "$plain" CapEff)" 0000000000000000
    check_equal "a container's own runAsUser" "$(status_field "$override" Uid)" "0 0 0 0"
    check_equal "a container's own capabilities" "$(status_field "$override" CapEff)" \
        "$(without_capability "$(with_capability "$DEFAULT_CAPS" $CAP_MAC_ADMIN)" $CAP_KILL)"
    check_equal "a container that drops all" "$(status_field "$bare" CapEff)" 0000000000000000
    check_equal "and whose bounding set is empty" "$(status_field "$bare" CapBnd)" 0000000000000000
    local name
    for name in net ipc uts; do
        check_equal "the pod shares one $name namespace" "$(readlink "/proc/$plain/ns/$name")" \
            "$(readlink "/proc/$override/ns/$name")"
    done
    for name in mnt pid; do
        if [[ $(readlink "/proc/$plain/ns/$name") != "$(readlink "/proc/$override/ns/$name")" ]]; then
            ok "each container has its own $name namespace"
        else
            not_ok "each container has its own $name namespace"
        fi
    done
    check_equal "each is PID 1 in its own" "$(pid_inside "$plain") $(pid_inside "$override")" "1 1"
    check_equal "exec into a container of the pod" "$(podman exec kube-plain id -u)" 1000
    check_status "the pod is removed" 0 podman pod rm -f -t 0 kube
}

# A network with an address needs the engine's own plugins, which are not always installed.
podman_network() {
    local output
    if output=$(podman run --rm bb ip -o -4 addr show dev eth0 2>&1); then
        check_match "podman's network reaches the container" "$output" 'inet 10\.'
    else
        echo "ok $((++TAP_COUNT)) - podman's network reaches the container # SKIP ${output##*$'\n'}"
    fi
}

podman_userns() {
    PID=0
    start_sleeper mapped --uidmap 0:100000:65536 --gidmap 0:100000:65536 || return 0
    check_equal "--uidmap: root inside is another user outside" "$(status_field "$PID" Uid)" \
        "100000 100000 100000 100000"
    check_match "--uidmap: a user namespace of its own" "$(own_namespaces "$PID")" '\buser\b'
    check_equal "--uidmap: inside it is root" "$(podman exec mapped id -u)" 0
    end_sleeper mapped
}

# The counter goes on: at the same place by restore, and in a container made anew from an archive.
podman_checkpoint() {
    local PATH=${BUILD:-$HERE/../../build}/criu:$PATH last
    if ! criu check >/dev/null 2>&1; then
        echo "ok $((++TAP_COUNT)) - X-02.checkpoint podman container checkpoint # SKIP no criu that works on this kernel"
        return 0
    fi
    podman run -d --name counter --network none -v "$SCRATCH/empty:/data" --tmpfs /scratch bb \
        sh -c 'while :; do i=$((i+1)); echo $i >/scratch/count; sleep 0.05; done' >/dev/null
    count() {
        podman exec "$1" cat /scratch/count
    }
    wait_until 5 test -s "/proc/$(pid_of counter)/root/scratch/count" || true
    check_status "podman container checkpoint" 0 podman container checkpoint counter
    check_equal "a checkpointed container is not there for its engine" "$(status_of counter)" exited
    check_status "podman container restore" 0 podman container restore counter
    check_match "X-02.checkpoint its program goes on" "$(last=$(count counter) && sleep 0.3 &&
        (($(count counter) > last && last > 0)) && echo on)" on
    check_status "checkpoint --leave-running --export" 0 podman container checkpoint \
        --leave-running --export "$SCRATCH/counter.tar.gz" counter
    last=$(count counter)
    check_equal "it runs on" "$(status_of counter)" running
    podman "${REMOVE[@]}" counter >/dev/null
    check_status "restore --import under another name" 0 podman container restore \
        --import "$SCRATCH/counter.tar.gz" --name moved
    check_match "X-02.checkpoint the imported program goes on" "$(sleep 0.3; last=$(count moved) &&
        sleep 0.3 && (($(count moved) > last && last > 1)) && echo on)" on
    check_equal "the bind of a restored container" "$(podman exec moved stat -c %i /data)" \
        "$(stat -c %i "$SCRATCH/empty")"
    podman "${REMOVE[@]}" moved >/dev/null
}

use_podman
load_image
DEFAULT_CAPS=$FOURTEEN_CAPS
[[ $(podman run --rm bb grep CapBnd /proc/self/status) != *"$ELEVEN_CAPS" ]] || DEFAULT_CAPS=$ELEVEN_CAPS

warm_up
before=$(leftovers "${STATE_FOLDERS[@]}")
lesson_isolation
lesson_same_as_runc runc
lesson_exec
lesson_capabilities
end_sleeper lesson
check_nothing_left "nothing is left after rm" "$before" "${STATE_FOLDERS[@]}"
lesson_foreground
lesson_logs
lesson_users
lesson_files
lesson_host_namespaces
lesson_limits
lesson_update
lesson_signals
lesson_pause
lesson_crowd
podman_userns
podman_supervised
podman_network
mkdir -p "$SCRATCH/empty"
podman_checkpoint
check_nothing_left "nothing is left after all of them" "$before" "${STATE_FOLDERS[@]}"
podman_build
podman_kube
finish
