#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pods through podman, made by hand and by `kube play`: what the containers share, seen from the host, and
# what securityContext does. BRIG=/usr/bin/crun runs it with another runtime.
set -uo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/engines/lib.sh
source "$HERE/lib.sh"
# shellcheck source=tests/engines/lesson.sh
source "$HERE/lesson.sh"
# shellcheck source=tests/engines/podman_lib.sh
source "$HERE/podman_lib.sh"

# namespaces_of PID NAME...: their identities, one line.
namespaces_of() {
    local pid=$1
    shift
    readlink "${@/#//proc/$pid/ns/}" | tr '\n' ' '
}

pod_state() {
    podman pod inspect --format '{{.State}}' "$1"
}

infra_of() {
    pid_of "$(podman pod inspect --format '{{.InfraContainerID}}' "$1")"
}

# pod_sleeper POD NAME OPTION...: its pid goes to $PID.
pod_sleeper() {
    local pod=$1 name=$2
    shift 2
    start_sleeper "$name" --pod "$pod" "$@"
}

pods_shared() {
    local infra first second pod
    podman pod create --name shared --share net,ipc,uts,pid --hostname podhost --memory 200m \
        --sysctl net.ipv4.ip_unprivileged_port_start=80 >/dev/null
    check_equal "a new pod waits" "$(pod_state shared)" Created
    check_status "pod start" 0 podman pod start shared
    pod_sleeper shared first && first=$PID || return
    pod_sleeper shared second --user 1000 && second=$PID || return
    infra=$(infra_of shared)
    check_equal "pod: net, ipc, uts and pid are shared by all" \
        "$(namespaces_of "$first" net ipc uts pid)$(namespaces_of "$second" net ipc uts pid)" \
        "$(namespaces_of "$infra" net ipc uts pid)$(namespaces_of "$infra" net ipc uts pid)"
    check_equal "pod: none of them is the host's" \
        "$(own_namespaces "$first" | tr ' ' '\n' | grep -cxE 'net|ipc|uts|pid|mnt')" 5
    check_equal "pod: mount namespaces are not shared" \
        "$(readlink "/proc/$infra/ns/mnt" "/proc/$first/ns/mnt" "/proc/$second/ns/mnt" | sort -u | wc -l)" 3
    check_match "pod: PID 1 of the shared namespace is the pod's, not the container's" \
        "$(pid_inside "$infra") $(pid_inside "$first")" '^1 [2-9]'
    check_match "pod: a container sees its neighbour's processes" "$(podman exec first ps)" \
        ' app +(.*)sleep 1000'
    check_equal "pod: its host name" "$(podman exec second hostname)" podhost
    check_equal "pod: its sysctl" \
        "$(podman exec first cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" 80
    pod=$(podman pod inspect --format '{{.Id}}' shared)
    check_match "pod: a container's cgroup is below the pod's" "$(group_of "$first")" \
        "^$(group_named ".*" "$pod")\$"
    check_equal "TRAP-01 a container's parent is its conmon, in the host's PIDs" \
        "$(cat "/proc/$(status_field "$first" PPid)/comm")" conmon
    check_status "TRAP-01 a container in a shared PID namespace gives its exit code" 5 \
        podman run --rm --pod shared bb sh -c 'exit 5'
    check_status "TRAP-01 exec in a shared PID namespace gives its exit code" 6 \
        podman exec first sh -c 'exit 6'
    check_status "TRAP-01 a signal's number arrives, too" 137 \
        podman run --rm --pod shared bb sh -c 'kill -9 $$'
}

# What a container of a shared PID namespace started must end with it.
pods_orphans() {
    local id
    id=$(podman run -d --pod shared --name parent bb sh -c 'sleep 777 & sleep 778 & sleep 0.2')
    podman wait parent >/dev/null
    gone() {
        ! pgrep -f 'sleep 77[78]'
    }
    if wait_until 5 gone; then
        ok "TRAP-23 TRAP-30 a container's orphans end with it although the PID namespace goes on"
    else
        not_ok "TRAP-23 TRAP-30 a container's orphans end with it although the PID namespace goes on"
    fi
    check_status "and it can start again with the same id" 0 podman start parent
    podman wait parent >/dev/null
    podman "${REMOVE[@]}" parent >/dev/null
    check_equal "TRAP-30 its cgroups are gone" "$(find /sys/fs/cgroup -name "*$id*")" ""
}

pods_verbs() {
    check_match "pod top" "$(podman pod top shared user args)" '(app|1000) +sleep 1000'
    check_match "pod stats" "$(podman pod stats --no-stream --format '{{.Name}} {{.PIDS}}' shared)" 'first 1'
    check_status "CALL-40 pod pause" 0 podman pod pause shared
    check_equal "a paused pod's containers" "$(status_of first) $(status_of second)" "paused paused"
    check_status "CALL-40 pod unpause" 0 podman pod unpause shared
    check_equal "and they go on" "$(podman exec first echo on)" on
    check_status "pod stop" 0 podman pod stop -t 0 shared
    check_equal "a stopped pod" "$(pod_state shared) $(status_of first)" "Exited exited"
    check_status "a stopped pod starts again" 0 podman pod start shared
    check_equal "with all its containers" "$(status_of first) $(status_of second)" "running running"
    check_equal "in one network again" "$(readlink "/proc/$(pid_of first)/ns/net")" \
        "$(readlink "/proc/$(infra_of shared)/ns/net")"
    local before
    before=$(pid_of first)
    # It stops with the ten seconds that sleep, PID 2, does not need.
    check_status "pod restart" 0 podman pod restart shared
    check_equal "another process, of a running pod" \
        "$([[ $(pid_of first) != "$before" ]] && pod_state shared)" Running
    check_status "pod kill" 0 podman pod kill shared
    check_equal "by SIGKILL" "$(podman wait first)" 137
    check_status "pod rm" 0 podman pod rm -f -t 0 shared
}

# Pods with a user namespace, and without a container that holds their namespaces.
pods_kinds() {
    podman pod create --name mapped --uidmap 0:100000:65536 --gidmap 0:100000:65536 >/dev/null
    if pod_sleeper mapped one; then
        check_equal "pod --uidmap: the container's root" "$(status_field "$PID" Uid)" \
            "100000 100000 100000 100000"
        check_equal "pod --uidmap: one user namespace owns what is shared" \
            "$(namespaces_of "$PID" user net)" "$(namespaces_of "$(infra_of mapped)" user net)"
        check_equal "pod --uidmap: root of its own network" \
            "$(podman exec one sh -c 'ip link set lo down && echo yes' 2>&1)" \
            "ip: SIOCSIFFLAGS: Operation not permitted"
    fi
    check_run "pod --uidmap: with NET_ADMIN it may change its network" yes --pod mapped --cap-add NET_ADMIN bb \
        sh -c 'ip link set lo down && echo yes'
    podman pod rm -f -t 0 mapped >/dev/null
    podman pod create --name bare --infra=false >/dev/null
    if pod_sleeper bare one && pod_sleeper bare two; then
        check_equal "a pod without infra shares nothing" \
            "$(readlink "/proc/$(pid_of one)"/ns/{net,ipc,uts} "/proc/$(pid_of two)"/ns/{net,ipc,uts} |
                sort -u | wc -l)" 6
    fi
    podman pod rm -f -t 0 bare >/dev/null
}

# --- kube ------------------------------------------------------------------------------------------

write_pod() {
    cat <<EOF
apiVersion: v1
kind: Pod
metadata: {name: kube}
spec:
  hostname: kubehost
  shareProcessNamespace: true
  securityContext:
    runAsUser: 1000
    runAsGroup: 3000
    supplementalGroups: [4000]
  volumes:
  - {name: host, hostPath: {path: $SCRATCH/kube, type: Directory}}
  - {name: kept, persistentVolumeClaim: {claimName: kubevolume}}
  containers:
  - {name: plain, image: bb, imagePullPolicy: Never, command: [sleep, "1000"],
     env: [{name: WORD, value: said}], workingDir: /tmp,
     resources: {limits: {memory: 64Mi, cpu: 500m}},
     volumeMounts: [{name: host, mountPath: /host, readOnly: true}, {name: kept, mountPath: /kept}]}
  - name: tight
    image: bb
    imagePullPolicy: Never
    command: [sleep, "1000"]
    securityContext:
      runAsUser: 0
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}
  - name: able
    image: bb
    imagePullPolicy: Never
    command: [sleep, "1000"]
    securityContext: {runAsUser: 0, capabilities: {add: [NET_ADMIN], drop: [KILL]}}
  - name: mighty
    image: bb
    imagePullPolicy: Never
    command: [sleep, "1000"]
    securityContext: {runAsUser: 0, privileged: true}
EOF
}

CAP_NET_ADMIN=12 CAP_NET_BIND_SERVICE=10

kube_context() {
    local plain tight able mighty
    plain=$(pid_of kube-plain) tight=$(pid_of kube-tight) able=$(pid_of kube-able)
    mighty=$(pid_of kube-mighty)
    check_equal "kube: runAsUser and runAsGroup of the pod" \
        "$(status_field "$plain" Uid) $(status_field "$plain" Gid)" "1000 1000 1000 1000 3000 3000 3000 3000"
    check_equal "kube: a container's own runAsUser" "$(status_field "$tight" Uid)" "0 0 0 0"
    check_equal "kube: drop ALL and add one" "$(status_field "$tight" CapEff)" \
        "$(with_capability 0 $CAP_NET_BIND_SERVICE)"
    check_equal "kube: in the bounding set, too" "$(status_field "$tight" CapBnd)" \
        "$(with_capability 0 $CAP_NET_BIND_SERVICE)"
    check_equal "kube: add and drop one" "$(status_field "$able" CapEff)" \
        "$(without_capability "$(with_capability "$DEFAULT_CAPS" $CAP_NET_ADMIN)" "$CAP_KILL")"
    check_equal "kube: exec has the same" \
        "$(podman exec kube-able grep CapEff /proc/self/status | cut -f 2)" "$(status_field "$able" CapEff)"
    check_equal "kube: allowPrivilegeEscalation: false" \
        "$(status_field "$tight" NoNewPrivs) $(status_field "$plain" NoNewPrivs)" "1 0"
    check_equal "kube: and exec keeps to it" \
        "$(podman exec kube-tight grep NoNewPrivs /proc/self/status | cut -f 2)" 1
    check_status "kube: readOnlyRootFilesystem" 1 podman exec kube-tight touch /no
    check_status "kube: which the others do not have" 0 podman exec kube-able touch /yes
    check_equal "kube: privileged has no seccomp filter" \
        "$(status_field "$mighty" Seccomp) $(status_field "$able" Seccomp)" "0 2"
}

kube_rest() {
    local plain
    plain=$(pid_of kube-plain)
    check_equal "kube: shareProcessNamespace" "$(readlink "/proc/$plain/ns/pid")" \
        "$(readlink "/proc/$(infra_of kube)/ns/pid")"
    check_equal "kube: its host name" "$(podman exec kube-plain hostname)" kubehost
    check_equal "kube: environment and working directory" \
        "$(podman exec kube-plain sh -c 'echo $WORD $PWD')" "said /tmp"
    check_equal "kube: a limit of memory" "$(limit_of "$plain" memory)" 67108864
    check_equal "kube: a limit of CPU" "$(limit_of "$plain" quota)" 50000
    check_equal "kube: a folder of the host's" "$(podman exec kube-plain cat /host/word)" said
    check_status "kube: a read-only volume" 1 podman exec --user 0 kube-plain touch /host/no
    check_status "kube: a volume of podman's own" 0 podman exec --user 0 kube-plain touch /kept/made
    check_match "kube: generate kube tells it again" "$(podman kube generate kube 2>/dev/null ||
        podman generate kube kube)" 'readOnlyRootFilesystem: true'
}

no_pod() {
    [[ -z $(podman pod ps -q) ]] || podman pod rm --all --force
    [[ -z $(podman pod ps -q) ]]
}

pods_kube() {
    local output
    mkdir -p "$SCRATCH/kube"
    echo said >"$SCRATCH/kube/word"
    write_pod >"$SCRATCH/pod.yaml"
    output=$(podman kube play --network none "$SCRATCH/pod.yaml" 2>&1) || {
        not_ok "kube play" "$output"
        return
    }
    ok "kube play"
    kube_context
    kube_rest
    check_status "kube down" 0 podman kube down "$SCRATCH/pod.yaml"
    check_equal "leaves no container" "$(podman ps -aq)" ""
    # podman 4 keeps a pod whose cgroup a conmon that ends has not left yet, whatever the runtime.
    check_status "and no pod, or one that goes when conmon has" 0 wait_until 5 no_pod
    podman volume rm kubevolume >/dev/null
}

prepare_podman
pods_shared
pods_orphans
pods_verbs
pods_kinds
pods_kube
# podman forgets a pod's cgroup in hierarchies that it does not know, whatever the runtime.
rmdir /sys/fs/cgroup/{systemd,unified}/libpod_parent/* 2>/dev/null
check_nothing_left "nothing is left of the pods" "$BEFORE" "${STATE_FOLDERS[@]}"
finish
