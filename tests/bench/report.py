#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns hyperfine's files in a folder into results.json, table.md and plot.svg."""
import glob
import json
import os
import statistics
import sys

WORK = {
    "run": "`run` of the default bundle, back to back",
    "run-spaced": "the same, 0.3 s apart",
    "engine-config": "`run` with docker's config and seccomp profile",
    "cycle": "`create` + `start` + `kill` + `delete`",
    "exec": "`exec` of `/bin/true`",
    "exec-spaced": "the same, 0.3 s apart",
    "state": "`state`",
}
WHO = {"floor": "kernel alone", "brig": "brig", "crun": "crun", "runc": "runc"}
COLOURS = {"floor": "#9aa5b1", "brig": "#0b6e99", "crun": "#e0a458", "runc": "#b56576"}


def read_times(folder):
    """{work: {who: [ms, ...]}} of all rounds."""
    times = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.*.*.json"))):
        work, who = os.path.basename(path).split(".")[:2]
        with open(path, encoding="utf-8") as file:
            for result in json.load(file)["results"]:
                times.setdefault(work, {}).setdefault(who, []).extend(
                    1000 * seconds for seconds in result["times"])
    return times


def read_memory(folder):
    memory = {}
    path = os.path.join(folder, "memory.jsonl")
    decoder = json.JSONDecoder()
    text = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
    while text.strip():
        entry, end = decoder.raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        memory.setdefault(entry["verb"], {})[entry["runtime"]] = entry["kib"]
    return memory


def summarize(times):
    return {work: {who: {"median_ms": statistics.median(values), "min_ms": min(values),
                         "runs": len(values)}
                   for who, values in times[work].items()}
            for work in WORK if work in times}


def ratio(row, who):
    if who not in row or "crun" not in row:
        return ""
    return f"{row[who]['median_ms'] / row['crun']['median_ms']:.2f}"


def write_table(path, summary, memory, who):
    lines = ["| median, ms | " + " | ".join(WHO[name] for name in who) + " | brig : crun |",
             "|---|" + "---:|" * (len(who) + 1)]
    for work, row in summary.items():
        cells = [f"{row[name]['median_ms']:.1f}" if name in row else "" for name in who]
        lines.append(f"| {WORK[work]} | " + " | ".join(cells) + f" | {ratio(row, 'brig')} |")
    for verb, row in memory.items():
        cells = [f"{row[name] / 1024:.1f} MiB" if name in row else "" for name in who]
        quotient = f"{row['brig'] / row['crun']:.2f}" if {"brig", "crun"} <= row.keys() else ""
        lines.append(f"| peak memory of `{verb}` | " + " | ".join(cells) + f" | {quotient} |")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def write_plot(path, summary, who):
    """Bars of the medians, a group for each kind of work, all on one scale."""
    left, width, bar, gap = 300, 860, 16, 18
    scale = (width - left - 80) / max(entry["median_ms"] for row in summary.values()
                                      for entry in row.values())
    body, y = [], 50
    for index, name in enumerate(who):
        x = left + 130 * index
        body.append(f'<rect x="{x}" y="16" width="12" height="12" fill="{COLOURS[name]}"/>'
                    f'<text x="{x + 18}" y="27">{WHO[name]}</text>')
    for work, row in summary.items():
        names = [name for name in who if name in row]
        middle = y + bar * len(names) / 2 + 4
        body.append(f'<text x="{left - 10}" y="{middle:.0f}" text-anchor="end">'
                    f'{WORK[work].replace("`", "")}</text>')
        for name in names:
            value = row[name]["median_ms"]
            body.append(f'<rect x="{left}" y="{y}" width="{value * scale:.1f}" height="{bar - 2}" '
                        f'fill="{COLOURS[name]}"/><text x="{left + value * scale + 5:.1f}" '
                        f'y="{y + 11}" class="value">{value:.1f} ms</text>')
            y += bar
        y += gap
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" '
                   f'width="{width}" height="{y}">\n<style>text {{ font: 13px sans-serif; fill: #222 }} '
                   f'.value {{ font-size: 11px }}</style>\n'
                   f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(body) + "\n</svg>\n")


def main():
    folder = sys.argv[1]
    summary, memory = summarize(read_times(folder)), read_memory(folder)
    who = [name for name in WHO if any(name in row for row in summary.values())]
    with open(os.path.join(folder, "results.json"), "w", encoding="utf-8") as file:
        json.dump({"times": summary, "memory_kib": memory}, file, indent=2)
        file.write("\n")
    write_table(os.path.join(folder, "table.md"), summary, memory, who)
    write_plot(os.path.join(folder, "plot.svg"), summary, who)


main()
