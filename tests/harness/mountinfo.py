# SPDX-License-Identifier: Apache-2.0
"""Reads /proc/PID/mountinfo."""
import re


def parse(text):
    """A list of entries, topmost mount of a target last."""
    found = []
    for line in text.splitlines():
        left, right = line.split(" - ", 1)
        fields, after = left.split(), right.split(" ")
        plain = [re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), field)
                 for field in fields]
        found.append({
            "id": int(fields[0]), "parent": int(fields[1]), "device": fields[2],
            "root": plain[3], "target": plain[4], "options": fields[5].split(","),
            "peers": fields[6:], "type": after[0], "source": after[1],
            "super": after[2].split(",") if len(after) > 2 else [],
        })
    return found


def at(text, target):
    """The topmost mount on target, or None."""
    entries = [entry for entry in parse(text) if entry["target"] == target]
    return entries[-1] if entries else None


def flags(text, target):
    entry = at(text, target)
    return set(entry["options"]) if entry else None
