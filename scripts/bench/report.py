#!/usr/bin/env python3
"""report.py [--check]: writes docs/performance.md and docs/performance.svg from docs/performance.json, or says whether
they are what it would write.
"""
import json
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
SCAN = "libyaml scan"
ANTI_JOIN = "DuckDB anti-join"


def number(value):
    return f"{int(value):,}".replace(",", " ")


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def seconds(figure):
    return f"{figure['cpu']:.3f}"


def files_table(figures):
    rows = []
    for name in ("validate", "plan"):
        for files, found in figures[name].items():
            own, scan = found["campaignctl"], found[SCAN]
            rows.append([f"`{name}`", number(files), seconds(own), f"{own['wall']:.3f}", f"{own['megabytes']:.0f}",
                         seconds(scan), f"{own['cpu'] / scan['cpu']:.1f} ×"])
    return table(["work", "files", "CPU s", "wall s", "peak MB", "scan CPU s", "to the scan"], rows)


def audience_table(figures):
    rows = []
    for lines, found in figures["audience"].items():
        own, peer = found["campaignctl"], found[ANTI_JOIN]
        rows.append([number(lines), seconds(own), f"{own['megabytes']:.0f}", seconds(peer), f"{peer['megabytes']:.0f}"])
    return table(["lines", "`plan` CPU s", "peak MB", f"{ANTI_JOIN} CPU s", "peak MB"], rows)


def series(figures):
    """The lines of the two plots: name, colour, and (size, CPU seconds) points."""
    of_files = lambda name, who: [(int(size), found[who]["cpu"]) for size, found in figures[name].items()]
    of_lines = lambda who: [(int(size), found[who]["cpu"]) for size, found in figures["audience"].items()]
    return [
        ("Files", [("validate", "#1f6feb", of_files("validate", "campaignctl")),
                   ("plan", "#8250df", of_files("plan", "campaignctl")),
                   (SCAN, "#8c959f", of_files("validate", SCAN))]),
        ("Lines of an audience", [("plan", "#8250df", of_lines("campaignctl")),
                                  (ANTI_JOIN, "#bc4c00", of_lines(ANTI_JOIN))]),
    ]


def plot(title, lines, left, width=340, height=260):
    """One log-log plot whose upper left corner is at `left`."""
    from math import ceil, floor, log10
    points = [point for _, _, line in lines for point in line]
    x_low, x_high = floor(log10(min(x for x, _ in points))), ceil(log10(max(x for x, _ in points)))
    y_low, y_high = floor(log10(min(y for _, y in points))), ceil(log10(max(y for _, y in points)))
    x_at = lambda x: left + (log10(x) - x_low) / (x_high - x_low) * width
    y_at = lambda y: 40 + height - (log10(y) - y_low) / (y_high - y_low) * height
    out = [f'<text x="{left}" y="24" font-weight="bold">{title}</text>']
    for power in range(x_low, x_high + 1):
        x = x_at(10**power)
        out.append(f'<line x1="{x:.1f}" y1="40" x2="{x:.1f}" y2="{40 + height}" stroke="#d0d7de"/>')
        out.append(f'<text x="{x:.1f}" y="{58 + height}" text-anchor="middle">{number(10**power)}</text>')
    for power in range(y_low, y_high + 1):
        y = y_at(10.0**power)
        out.append(f'<line x1="{left}" y1="{y:.1f}" x2="{left + width}" y2="{y:.1f}" stroke="#d0d7de"/>')
        out.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for place, (name, colour, line) in enumerate(lines):
        path = " ".join(f"{x_at(x):.1f},{y_at(y):.1f}" for x, y in line)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x_at(x):.1f}" cy="{y_at(y):.1f}" r="3.5" fill="{colour}"/>' for x, y in line]
        legend = 56 + place * 18
        out.append(f'<rect x="{left + 10}" y="{legend - 9}" width="12" height="10" fill="{colour}"/>')
        out.append(f'<text x="{left + 28}" y="{legend}">{name}</text>')
    return "\n".join(out)


def svg(figures):
    plots = [plot(title, lines, 70 + place * 450) for place, (title, lines) in enumerate(series(figures))]
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="900" height="350" viewBox="0 0 900 350" '
            'font-family="sans-serif" font-size="12">\n<rect width="900" height="350" fill="white"/>\n'
            + "\n".join(plots)
            + '\n<text x="16" y="190" transform="rotate(-90 16 190)" text-anchor="middle">CPU seconds</text>\n</svg>\n')


def main():
    figures = json.loads((DOCS / "performance.json").read_text())
    machine, apply, start = figures["machine"], figures["apply"], figures["start"]
    page = f"""# Performance

Written by `scripts/bench/run.py`, which measures everything here in one run; do not edit. {figures['version']},
{machine['rustc']}, {machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}, {machine['date']}; load before the
end {machine['load']:.1f}. Medians of {figures['runs']} runs in turn. CPU seconds are those of the measured process, both
cores together; compare within a table only.

![CPU seconds against size](performance.svg)

## Many files

Campaign files of some 1.3 kB, each with a template, an audience of ten, a strategy and a campaign, all of them sent:
`plan` finds nothing to do. The limit is libyaml's event scan of the same files, which builds nothing and checks
nothing.

{files_table(figures)}

## A large audience

`plan` of one campaign against an empty ledger; two in a hundred lines repeat. Beside it what a data team would write:
DuckDB, one thread, counting the ids of the same file that are not in a second one of the same size. That is not the same
work: here no ledger of that size is read yet.

{audience_table(figures)}

## Apply

{number(apply['targets'])} targets, ten a request, 64 in flight, against the sandbox in a process of its own, which
verifies each signature, on the same cores: {apply['microseconds_cpu_a_request']:.0f} µs of CPU a request, signing and
the durable intent and outcome included, {number(apply['requests_per_second'])} requests a second,
{apply['megabytes']:.0f} MB at most. The ledger then takes {apply['ledger_bytes_a_target']:.0f} bytes a target on disk.

## Start

`--version` {start['version']['cpu'] * 1000:.1f} ms of CPU, `plan` of one campaign {start['plan of one']['cpu'] * 1000:.1f} ms.
"""
    for name, text in (("performance.svg", svg(figures)), ("performance.md", page)):
        if "--check" not in sys.argv[1:]:
            (DOCS / name).write_text(text)
        elif (DOCS / name).read_text() != text:
            sys.exit(f"docs/{name} is not what scripts/bench/report.py writes: run it")


if __name__ == "__main__":
    main()
