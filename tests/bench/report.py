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
UNIT = os.environ.get("UNIT", "ms")
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


def read_figures(folder, name, key):
    """{verb: {who: figure}} of the folder's NAME.jsonl."""
    figures = {}
    path = os.path.join(folder, f"{name}.jsonl")
    decoder = json.JSONDecoder()
    text = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
    while text.strip():
        entry, end = decoder.raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        figures.setdefault(entry["verb"], {})[entry["runtime"]] = entry[key]
    return figures


def summarize(times):
    return {work: {who: {"median_ms": statistics.median(values), "min_ms": min(values),
                         "runs": len(values)}
                   for who, values in times[work].items()}
            for work in WORK if work in times}


def write_table(path, summary, memory, calls, who):
    lines = [f"| median, {UNIT} | " + " | ".join(WHO[name] for name in who) + " | brig : crun |",
             "|---|" + "---:|" * (len(who) + 1)]

    def line(title, row, show):
        cells = [show(row[name]) if name in row else "" for name in who]
        ratio = f"{row['brig'] / row['crun']:.2f}" if {"brig", "crun"} <= row.keys() else ""
        lines.append(f"| {title} | " + " | ".join(cells) + f" | {ratio} |")

    for work, row in summary.items():
        line(WORK[work], {name: entry["median_ms"] for name, entry in row.items()},
             lambda value: f"{value:.1f}")
    for verb, row in memory.items():
        line(f"peak memory of `{verb}`", row, lambda kib: f"{kib / 1024:.1f} MiB")
    for verb, row in calls.items():
        line(f"system calls of `{verb}`", row, str)
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
                        f'y="{y + 11}" class="value">{value:.1f} {UNIT}</text>')
            y += bar
        y += gap
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" '
                   f'width="{width}" height="{y}">\n<style>text {{ font: 13px sans-serif; fill: #222 }} '
                   f'.value {{ font-size: 11px }}</style>\n'
                   f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(body) + "\n</svg>\n")


def main():
    folder = sys.argv[1]
    summary = summarize(read_times(folder))
    memory = read_figures(folder, "memory", "kib")
    calls = read_figures(folder, "calls", "calls")
    who = [name for name in WHO if any(name in row for row in summary.values())]
    with open(os.path.join(folder, "results.json"), "w", encoding="utf-8") as file:
        json.dump({"times": summary, "memory_kib": memory, "calls": calls}, file, indent=2)
        file.write("\n")
    write_table(os.path.join(folder, "table.md"), summary, memory, calls, who)
    write_plot(os.path.join(folder, "plot.svg"), summary, who)


main()
