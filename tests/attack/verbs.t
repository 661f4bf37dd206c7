#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# T-80, T-81: fails system calls of the verbs on a container that is there, and kills them at one,
# as many as the time allows (BRIG_FAULTS=all: each). Wanted: no hang, the effect or a reason, a
# container that answers and can be deleted, nothing left. CRIU's own calls are left out.
import dataclasses
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import inject, oracle
from harness.cgroups import folder, groups_of, need_controllers, need_v1, see_only_v2
from harness.console import ConsoleSocket
from harness.criu import CRIU, need_criu
from harness.lab import Container, read
from harness.tap import Failure, Suite, check, equal, eventually

suite = Suite()
ID = "victim"


@dataclasses.dataclass
class Verb:
    """One call of the runtime, and what is to be seen of it. All functions get a Victim."""

    words: object
    done: object  # (victim, result): why a success is none
    left: tuple  # the statuses after a failure; "" is no container
    prepare: object = lambda victim: victim.run()
    options: tuple = ()  # before the verb
    alone: bool = False  # not the programs that the verb executes
    skip: tuple = ()  # calls of the container's program


class Victim:
    """The container of a sweep, made anew for each fault."""

    def __init__(self, lab, verb, made):
        self.lab, self.verb, self.made = lab, verb, made.write()
        self.container = Container(lab, ID, (None, None))
        self.notes = {}
        lab.containers.append(ID)

    def run(self):
        # Files of the sandbox would be beyond what CRIU can open again.
        self.lab.brig("run", "-d", "--bundle", self.made.path, ID, outs=(None, None)).ok()

    def status(self):
        result = self.lab.brig("state", ID)
        if result.status == 0:
            return json.loads(result.out)["status"]
        return "" if "does not exist" in result.err else f"unknown: {result.err}"

    def soon(self, wanted, seconds=3):
        """Empty, or the status that the container has instead."""
        try:
            eventually(lambda: (self.lab.reap(), self.status() == wanted)[1], wanted, seconds)
        except Failure:
            return f"it is {self.status() or 'gone'}, not {wanted or 'gone'}"
        return ""

    def call(self):
        return self.lab.words(*self.verb.words(self), globals_=self.verb.options)

    def end(self):
        """Deletes the container; what goes wrong with that."""
        try:
            deleted = self.lab.brig("delete", "--force", ID, timeout=15)
        except Failure:
            return "delete --force hangs"
        inject.settle_tracer(self.lab, 1)
        left = self.lab.settle(5.0 if self.verb.alone else 1.5)
        if deleted.status == 0 and not left:
            return ""
        self.lab._sweep()
        return f"delete --force: {deleted} leaves {'; '.join(left)[:300]}"


UNTOLD = "fails and gives no reason"


def after_fault(victim, result):
    """Why a verb that met a fault has not ended well."""
    if not 0 <= result.status < 128 and result.status != 255:
        return f"dies with {result.status}: {result.err[:200]}"
    if result.status == 0:
        why = victim.verb.done(victim, result)
        return f"says that it succeeded, but {why}" if why else ""
    if not result.err.strip():
        return UNTOLD
    status = victim.status()
    return "" if status in victim.verb.left else f"leaves the container {status!r}: {result.err[:200]}"


def after_kill(victim):
    status = victim.status()
    return f"state says {status}" if status.startswith("unknown") else ""


def trial(victim, call, number, action):
    """Why the verb does not survive this well; None when it did not come to it."""
    lab, verb = victim.lab, victim.verb
    verb.prepare(victim)
    run = inject.traced(lab, call, f"{action}:when={number}", victim.call(), verb.alone)
    try:
        result = run.wait(20)
    except Failure:
        lab._sweep()
        return f"hangs; {victim.end()}"
    is_killed = action.startswith("signal=")
    why = after_kill(victim) if is_killed else after_fault(victim, result)
    ended = victim.end()
    trace = read(f"{lab.path}/trace")  # complete now: strace ends with the last process
    if ("killed by SIGKILL" if is_killed else "(INJECTED)") not in trace:
        return ended or None
    if why == UNTOLD and re.search(r"write\(2, .*INJECTED", trace):
        why = ""
    return "; ".join(text for text in (why, ended) if text)


def sweep(lab, verb, made, seconds, action="error"):
    victim = Victim(lab, verb, made)
    verb.prepare(victim)
    result, counts = inject.census(lab, victim.call(), verb.alone)
    why = f"{result}" if result.status else verb.done(victim, result) or victim.end()
    check(not why, f"without faults: {why}")
    budget = inject.Budget(seconds)
    actions = (lambda call: ["signal=KILL"]) if action == "signal" else (
        lambda call: [f"error={error}" for error in inject.errors(call, budget.every)])
    todo = [(call, number, action) for call, number in inject.points(counts)
            if call not in verb.skip for action in actions(call)]
    tried, bad = 0, []
    for call, number, action in todo:
        if budget.over():
            break
        why = trial(victim, call, number, action)
        if why is None:
            continue
        tried += 1
        if why:
            bad.append(f"{call} no. {number} {action}: {why}")
    figures = f"{tried - len(bad)} of {tried} clean ({len(todo)} known points)"
    lab.calls.clear()
    check(not bad, figures + "\n" + "\n".join(bad))
    return figures


def sleeper(lab):
    made = lab.bundle(["/bin/sleep", "1000"])
    made.set("linux.resources", {"pids": {"limit": 50}, "memory": {"limit": 64 << 20}})
    return made


def crowd(lab):
    """Without a pid namespace: a container of several processes."""
    made = lab.bundle(shell="sleep 1000 & setsid sleep 1000 & sleep 1000")
    made.without_namespace("pid")
    return made


# what is to be seen of each verb


def paused(victim):
    victim.run()
    victim.lab.brig("pause", ID).ok()


def stopped(victim):
    victim.run()
    victim.lab.brig("kill", ID, "KILL").ok()
    check(not victim.soon("stopped"), "stopped")


def all_dead(victim, _):
    def alive():
        victim.lab.reap()
        return [pid for pid, (_, state, name) in oracle.processes().items()
                if name == "sleep" and state != "Z" and pid not in victim.lab.before.processes]
    try:
        eventually(lambda: not alive(), "dead", 3)
    except Failure:
        return f"{alive()} live on"
    return ""


def keys_of(value, place=""):
    """Every member's place in a document."""
    if isinstance(value, dict):
        return {inner for name, item in value.items() for inner in keys_of(item, f"{place}.{name}")}
    return {place}


def all_stats(victim, result):
    try:
        keys = keys_of(json.loads(result.out))
    except ValueError:
        return f"it printed {result.out[:200]!r}"
    wanted = victim.notes.setdefault("keys", keys)
    return f"{sorted(wanted - keys)} is missing" if wanted - keys else ""


def listening(victim):
    """A container, and the engine's end of a console socket."""
    if "console" in victim.notes:
        victim.notes.pop("console").close()
    for name in ("pid", "console"):
        if os.path.lexists(f"{victim.lab.path}/{name}"):
            os.unlink(f"{victim.lab.path}/{name}")
    victim.run()
    victim.notes["console"] = ConsoleSocket(f"{victim.lab.path}/console")


def exec_words(victim):
    process = victim.notes.setdefault("process", victim.lab.process_file(
        args=["/bin/sleep", "1000"], terminal=True, noNewPrivileges=True,
        capabilities={"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"]},
        rlimits=[{"type": "RLIMIT_NOFILE", "soft": 50, "hard": 50}]))
    return ["exec", "--detach", "--process", process, "--pid-file", f"{victim.lab.path}/pid",
            "--console-socket", victim.notes["console"].path, ID]


def executed(victim, _):
    pid = read(f"{victim.lab.path}/pid")
    victim.notes["console"].accept()
    try:
        groups, wanted = groups_of(pid), groups_of(victim.container.pid)
        eventually(lambda: "sleep" in read(f"/proc/{pid}/comm"), "the program", 2)
        status = read(f"/proc/{pid}/status")
    except (FileNotFoundError, ProcessLookupError, Failure) as error:
        return f"its program does not run: {error}"
    if groups != wanted:
        return f"its groups are {groups}"
    if os.readlink(f"/proc/{pid}/fd/0").startswith("/dev/pts/") and "NoNewPrivs:\t1" in status:
        return ""
    return f"it is {status}"


VERBS = {
    "kill": Verb(lambda v: ["kill", ID, "KILL"], lambda v, r: v.soon("stopped"), ("running",)),
    "kill of many": Verb(lambda v: ["kill", "--all", ID, "KILL"], all_dead,
                         ("running", "stopped")),
    "delete": Verb(lambda v: ["delete", ID], lambda v, r: v.soon(""), ("stopped", ""), stopped),
    "pause": Verb(lambda v: ["pause", ID], lambda v, r: v.soon("paused"), ("running",)),
    "resume": Verb(lambda v: ["resume", ID], lambda v, r: v.soon("running"),
                   ("running", "paused"), paused),
    "events": Verb(lambda v: ["events", "--stats", ID], all_stats, ("running",)),
    "exec": Verb(exec_words, executed, ("running",), listening,
                 skip=("clock_nanosleep",)),
}
UPDATE = Verb(lambda v: ["update", "--memory", "32m", "--pids-limit", "20", ID],
              lambda v, r: updated(v), ("running",))
# Enough for a whole sweep of most on a machine with nothing else to do: of faults, and of deaths.
SECONDS = {"exec": (3, 2), "events": (9, 7), "kill of many": (5, 4)}
USUAL_SECONDS = (3, 3)


def updated(victim):
    limits = [read(f"{folder(victim.container, controller)}/{file}").strip()
              for controller, file in (("memory", "memory.limit_in_bytes"), ("pids", "pids.max"))]
    return "" if limits == [str(32 << 20), "20"] else f"the limits are {limits}"


@suite.table("T-81 X-02", "comes through faults, as many as the time allows: the effect or a reason",
             {name: name for name in VERBS})
def faults(lab, name):
    return sweep(lab, VERBS[name], crowd(lab) if "many" in name else sleeper(lab),
                 SECONDS.get(name, USUAL_SECONDS)[0])


@suite.table("T-80", "may die at its calls, as many as the time allows; delete --force cleans up",
             {name: name for name in (*VERBS, "update")})
def deaths(lab, name):
    verb = VERBS.get(name, UPDATE)
    if verb is UPDATE:
        need_controllers("memory", "pids")
    return sweep(lab, verb, crowd(lab) if "many" in name else sleeper(lab),
                 SECONDS.get(name, USUAL_SECONDS)[1], "signal")


@suite.case("T-81", "on v2 a pause that fails leaves the container running")
def pause_on_v2(lab):
    see_only_v2(lab)
    container = lab.sleeper()
    events = f"{oracle.CGROUPS}/{container.id}/cgroup.events"
    hit = 0
    for call, error in (("openat", "EMFILE"), ("read", "EIO"), ("pread64", "EIO"),
                        ("poll", "ENOMEM"), ("openat2", "EMFILE")):
        for number in range(1, 6):
            words = ["strace", "-f", "-qq", "-o", f"{lab.path}/trace", "-P", events, "-e",
                     f"trace={call}", "-e", f"inject={call}:error={error}:when={number}",
                     *lab.words("pause", container.id)]
            result = lab.popen(words).wait()
            if "INJECTED" not in read(f"{lab.path}/trace"):
                container_is = "paused"
            else:
                hit += 1
                container_is = "running" if result.status else "paused"
            check(result.status == 0 or result.err.strip(), f"a reason of {result}")
            found = container.status()
            check(found == container_is, f"{call} no. {number}: {found}, {result}")
            if found == "paused":
                lab.brig("resume", container.id).ok()
    check(hit, "a fault met the pause")
    return f"{hit} faults"


@suite.case("T-81 2.6", "on v1 a kill of all that fails does not leave frozen those that it froze")
def kill_of_survivors(lab):
    need_v1("freezer")
    container = lab.sleeper()
    trace, hit = f"{lab.path}/trace", 0
    # Nobody gets the signal, so that all are frozen and thawed by turns; each number is another
    # place in such a round.
    for number in range(5, 30):
        words = ["strace", "-qq", "-o", trace, "-e", "trace=fcntl,write,pidfd_send_signal",
                 "-e", "inject=pidfd_send_signal:retval=0",
                 "-e", f"inject=fcntl:error=EMFILE:when={number}+",
                 *lab.words("kill", "--all", container.id, "KILL")]
        lab.popen(words).wait(15).failed("too many open files")
        hit += '"FROZEN' in read(trace)
        equal(container.status(), "running", f"status, fcntl no. {number} failed")
    check(hit > 2, "faults after it has frozen them")
    return f"{hit} of them when it had frozen them"


# checkpoint and restore


def imaged(victim):
    """An image, and no container; the image is good for many restores."""
    if "image" not in victim.notes:
        victim.run()
        victim.notes["image"] = f"{victim.lab.path}/image"
        victim.lab.brig("checkpoint", "--image-path", victim.notes["image"], ID,
                        globals_=("--criu", CRIU), timeout=30).ok()


def checkpointed(victim, _):
    if not os.path.exists(f"{victim.lab.path}/dump/inventory.img"):
        return "there is no image"
    return victim.soon("")


# CRIU may have ended the processes before the runtime failed to hear of it.
CHECKPOINT = Verb(lambda v: ["checkpoint", "--image-path", f"{v.lab.path}/dump", ID], checkpointed,
                  ("running", "stopped"), options=("--criu", CRIU), alone=True)
RESTORE = Verb(lambda v: ["restore", "--detach", "--bundle", v.made.path, "--image-path",
                          f"{v.lab.path}/image", ID], lambda v, r: v.soon("running"), ("",),
               imaged, options=("--criu", CRIU), alone=True)
MOVES = {f"{name}, {action}": (verb, action)
         for name, verb in (("checkpoint", CHECKPOINT), ("restore", RESTORE))
         for action in ("error", "signal")}


@suite.table("T-80 T-81 2.14", "calls of brig, not of CRIU", MOVES)
def moves(lab, verb, action):
    need_criu()
    return sweep(lab, verb, sleeper(lab), 1.5, action)


suite.main()
