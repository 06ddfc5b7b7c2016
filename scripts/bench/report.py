#!/usr/bin/env python3
"""report.py [--check]: writes docs/performance.md and docs/performance.svg from docs/performance.json, or says whether
they are what it would write.
"""
import json
import sys
from pathlib import Path

import bars
from plot import digits, svg

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
STORE_SECONDS, FAR_MS = 7, 100
SCAN, BOON, ANTI_JOIN = "libyaml scan", "boon-cli", "DuckDB anti-join"
OWN, OTHER, LIMIT = "#0969da", "#bc4c00", "#8c959f"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def cells(figure, wall=False):
    """CPU seconds, wall seconds if wanted, and peak megabytes."""
    seconds = [f"{figure['cpu']:.3f}"] + ([f"{figure['wall']:.3f}"] if wall else [])
    return [*seconds, f"{figure['megabytes']:.0f}"]


def bars_table(figures):
    rows = [[bar.work, bar.must, bar.measured, bar.verdict, bar.moonshot] for bar in bars.of(figures)]
    return table(["work", "bar", "measured", "met?", "moonshot"], rows)


def files_table(figures):
    rows = []
    for work in ("validate", "plan"):
        for files, found in figures["files"].items():
            own, scan, boon = found[work], found[SCAN], found[BOON]
            beside = [f"{boon['cpu']:.3f}", f"{boon['wall']:.3f}"] if work == "validate" else ["", ""]
            rows.append([f"`{work}`", digits(files), *cells(own, wall=True), f"{scan['cpu']:.3f}",
                         f"{own['cpu'] / scan['cpu']:.1f} ×", *beside])
    return table(["work", "files", "CPU s", "wall s", "peak MB", "scan CPU s", "to the scan", "boon CPU s", "boon wall s"], rows)


def audience_table(figures):
    rows = []
    for lines, found in figures["audience"].items():
        peer = found[ANTI_JOIN]
        rows.append([digits(lines), *cells(found["plan"]), *cells(found["plan beside as many sent"]), *cells(peer),
                     f"{found['plan beside as many sent']['cpu'] / peer['cpu']:.2f} ×"])
    return table(["lines", "nothing sent: CPU s", "peak MB", "as many sent: CPU s", "peak MB", f"{ANTI_JOIN}: CPU s", "peak MB",
                  "to DuckDB"], rows)


def ledger_table(figures):
    rows = [[digits(found["sent"]), f"{found['ledger_bytes_a_target']:.1f}", *cells(found["status of as many sent"], wall=True)]
            for found in figures["audience"].values()]
    return table(["targets accepted", "bytes a target", "`status`: CPU s", "wall s", "peak MB"], rows)


def formats_table(figures):
    rows = [[name, *cells(found)] for name, found in figures["formats"]["found"].items()]
    return table(["file", "`plan` CPU s", "peak MB"], rows)


def cost_table(figures):
    names = {"template": "`call: template`, 10 targets a request", "multiple": "`call: multiple`, 100 targets a request",
             "pop-core": "pop-core, 10 targets a request, no ledger, 16 in flight", "Python SDK": "Python SDK, 10 targets a request, no ledger, one at a time", "wrk": "wrk, the same bytes each time, unsigned"}
    rows = []
    for name, words in names.items():
        if name in figures["cost"]:
            found = figures["cost"][name]
            peak = f"{found['megabytes']:.0f}" if "megabytes" in found else ""
            of_few = f"{found['microseconds_cpu_a_request_of_few']:.0f}" if "megabytes" in found else ""
            rows.append([words, f"{found['microseconds_cpu_a_request']:.0f}", of_few, digits(found["requests_per_second"]), peak])
    few, many = digits(figures["cost"]["few"]), digits(figures["cost"]["requests"])
    return table(["sender", f"CPU µs a request of {many}", f"of {few}", "requests a second", "peak MB"], rows)


# What threads do, by the names that the system shows.
THREADS = {"campaignctl": "plans, dispatches, signs, speaks HTTP, reads replies", "journal": "writes and syncs the ledger",
           "tokio-rt-worker": "reads the audience again, builds requests", "sled-io": "sled's own, seven of them"}


def threads_table(figures):
    found = figures["cost"]["threads"]
    return table(["thread", "does", "CPU µs a request"], [[f"`{name}`", THREADS.get(name, ""), f"{cpu:.0f}"]
                                                          for name, cpu in sorted(found.items(), key=lambda item: -item[1])])


def limit(figures):
    """What stands between `apply` and a sixth of a pop-core that has run for a while, which keeps no ledger."""
    cost = figures["cost"]
    sixth, floor = (cost[name]["microseconds_cpu_a_request"] / part for name, part in (("pop-core", 6), ("wrk", 1)))
    kept = sum(cost["threads"].get(name, 0) for name in ("journal", "sled-io"))
    many, few = (cost["pop-core"][f"microseconds_cpu_a_request{of}"] for of in ("", "_of_few"))
    return f"""Node.js compiles what runs often: pop-core takes {few:.0f} µs a request over {digits(cost['few'])} requests, as the figure was
measured that the bar quotes, and {many:.0f} µs over {digits(cost['requests'])}. A sixth of that would be {sixth:.0f} µs. Writing to a socket, reading from it and waiting for it take wrk {floor:.0f} µs, which does
nothing else, and more where a sender's replies do not come in bundles; what is durable takes {kept:.0f} µs. That would leave
{max(sixth - floor - kept, 0):.0f} µs for ten look-ups and hashes, ten message keys, the form, its signature, HTTP and the reply."""


def rate_table(figures):
    rows = []
    for delay, found in figures["rate"].items():
        for name in ("apply", "apply without sync"):
            if name in found:
                rows.append([f"{delay} ms", f"`{name}`" if name == "apply" else name, digits(found[name]), digits(found["wrk"]),
                             f"{found[name] / found['wrk']:.2f}"])
    return table(["vendor answers after", "sender", "requests a second", "wrk", "ratio"], rows)


def memory_table(figures):
    rows = [[digits(targets), *cells(found), str(found["runs"]), f"{found['ledger_bytes_a_target']:.1f}",
             *cells(found["status"], wall=True)] for targets, found in figures["memory"]["found"].items()]
    return table(["targets", "CPU s", "peak MB", "runs", "ledger bytes a target", "`status` after: CPU s", "wall s", "peak MB"], rows)


def plots(figures):
    files = lambda work, key: [(int(size), found[work][key]) for size, found in figures["files"].items()]
    lines = lambda work, key: [(int(size), found[work][key]) for size, found in figures["audience"].items()]
    applied = [(int(size), found["megabytes"]) for size, found in figures["memory"]["found"].items()]
    beside = "plan beside as many sent"
    drawn = []
    for key, words in (("cpu", "CPU seconds"), ("megabytes", "peak megabytes")):
        drawn.append((f"{words}, campaign files", "files", [
            ("validate", OWN, "", files("validate", key)), ("plan, nothing to do", OWN, "6 3", files("plan", key)),
            (BOON, OTHER, "", files(BOON, key)), (SCAN, LIMIT, "", files(SCAN, key))]))
        more = [("apply", "#1a7f37", "", applied)] if key == "megabytes" else []
        drawn.append((f"{words}, targets of one campaign", "lines", [
            ("plan, as many sent", OWN, "", lines(beside, key)), ("plan, nothing sent", OWN, "6 3", lines("plan", key)), *more,
            (ANTI_JOIN, OTHER, "", lines(ANTI_JOIN, key))]))
    return drawn


def page(figures):
    machine, versions = figures["machine"], dict(figures["versions"])
    own = versions.pop("campaignctl")
    load = " and ".join(f"{load:.1f}" for load in machine["load"])
    left_out = figures["formats"]["left_out"]
    refused = f" This build reads no {' and no '.join(left_out)}." if left_out else ""
    once = [digits(targets) for targets, found in figures["memory"]["found"].items() if found["runs"] == 1]
    only_once = f" {' and '.join(once)} targets were applied to once." if once else ""
    return f"""# Performance

Written by `scripts/bench/run.py --full`, which measures everything here in one run and installs what it measures beside; do not
edit. campaignctl {own}, {machine['rustc']}, {machine['cpu']}, {machine['cores']} cores, {machine['gigabytes']} GB, Linux
{machine['kernel']}, {machine['date']}; one-minute load average before and after: {load}. Beside it
{", ".join(f"{name} {version}" for name, version in versions.items())}.

Each figure is the median of {figures['runs']} runs; commands of one table take turns. CPU seconds are user and system time of the
measured process, all its threads together; peak memory is the most that was resident. The system counts the process that
starts it too, so that peaks below some 16 MB, or 40 MB of the scan and boon-cli at 10 000 files, cannot be told apart. The machine is shared: compare within a
table, and trust CPU before wall. Every figure is with the checks on and every intent and outcome synced to disk before it
counts.

## Bars

Those of issue 5; two of them leave room for a validator of JSON Schema that is compiled and asks every file (3.2 × instead of 3 ×
the scan, 25 ms instead of 20 ms), in place of rules by hand that most files passed. A bar that is missed says so.

{bars_table(figures)}

![CPU and memory against size](performance.svg)

## Many files

Campaign files of some 1.3 kB, each with a template, an audience of ten, a strategy and a campaign, all of them sent: `plan` finds
nothing to do. The limit is libyaml's event scan of the same files, which builds nothing and checks nothing; boon checks them
against this tool's own schema and does nothing else.

{files_table(figures)}

Quoted, measured on 2026-11-23 on this kind of machine with another corpus and not in this run, 10 000 items without a change, to
the scan of the same run: `sqitch status` 9 ×, octoDNS 29 ×, Terraform 750 ×; Terraform at 10 000 took 95 times its time at 1 000.

## Large audiences

`plan` of one campaign whose audience is a text file of so many lines, 2 in 100 of which repeat; once with an empty ledger, and once
with a ledger in which as many lines were sent to, half of them the same ids. Beside it what a data team would write: DuckDB, one
thread, counting the ids of one text file that are not in another. Both find the same number.

{audience_table(figures)}

Other kinds of file, {digits(figures['formats']['lines'])} lines, an empty ledger.{refused}

{formats_table(figures)}

## Ledger

As above, after so many were sent to: what the packed ledger takes on disk, and what it costs to open it.

{ledger_table(figures)}

## Apply

The cost of a request is that of many requests less that of one, at a stub on the same cores that always accepts at once; no
TLS. `apply` has 64 in flight, and sends at most 10 000 a second. Reading the audience, signing and the durable intent and outcome
are within.

{cost_table(figures)}

Where the time of `call: template` goes, start and end included, by thread.

{threads_table(figures)}

{limit(figures)}

With a stub that takes its time, 64 in flight, beside wrk with 64 connections. `apply` is told to send at most 10 000 requests a
second, the most that can be configured. Without sync it is the same binary, with `fsync` and `fdatasync` made to do nothing.

{rate_table(figures)}

A whole `apply` by `call: {figures['memory']['call']}`, at the stub that answers at once.{only_once}

{memory_table(figures)}

## Start

`--version`: {figures['start']['version']['cpu'] * 1000:.1f} ms of CPU, {figures['start']['version']['wall'] * 1000:.1f} ms of wall time. `plan` of
one campaign: {figures['start']['plan of one']['cpu'] * 1000:.1f} ms of CPU, {figures['start']['plan of one']['wall'] * 1000:.1f} ms of wall time.
{timed(figures)}
{stores(figures)}{KEPT}"""


def stores(figures):
    """What a ledger on another machine costs, beside one in a directory in the same run."""
    found = figures.get("stores")
    if found is None:
        return ""
    machine = found["machine"]
    load = " and ".join(f"{load:.1f}" for load in machine["load"])
    bars_rows = [[bar.work, bar.must, bar.measured, bar.verdict, bar.moonshot] for bar in bars.of_stores(found)]
    rates = [[where(label), digits(rate), f"{rate / found['rate']['directory']:.2f}"] for label, rate in found["rate"].items()]
    costs = [[where(label), f"{cost:.0f}", f"{cost / found['cost']['directory']:.2f} ×"] for label, cost in found["cost"].items()]
    large = found["large"]
    rows = []
    for kind in [name for name in ("directory", "PostgreSQL", "S3") if name in large]:
        for work in ("move", "status", "plan", "plan, cached", "move back"):
            if work in large[kind]:
                trips = large[kind][work].get("round_trips")
                rows.append([kind, work, *cells(large[kind][work], wall=True), "" if trips is None else f"{trips:.0f}"])
    runners = [[kind, f"{walls['in turn']:.0f}", f"{walls['together']:.0f}", f"{walls['together'] / walls['in turn']:.2f}"]
               for kind, walls in found["runners"].items() if kind != "runners"]
    return f"""## Ledgers in stores

Written by `scripts/postgres run scripts/bench/run.py --stores`: campaignctl {found['campaignctl']}, {machine['date']}, medians of {found['runs']} runs, load
before and after {load}. PostgreSQL is Debian's, the bucket keeps everything in memory, and both run on the same two cores as `apply`
and the vendor. A proxy delays every byte in both directions: so many milliseconds are a round trip.

{table(["work", "bar", "measured", "met?", "moonshot"], bars_rows)}

`apply` at a vendor that takes 20 ms, 64 in flight, 10 targets a request, for some {STORE_SECONDS} s:

{table(["ledger", "requests a second", "to the directory"], rates)}

No run of these packs its ledger, which `apply` does at its end once that has more than 50 000 records. Far away that takes some
20 round trips: with 32 000 requests, packed at the end, the ratios were 0.99, 0.96, 0.95 and 0.86 with PostgreSQL 0, 5, 20 and
50 ms away, and 0.94, 0.90, 0.83 and 0.74 with S3 20, 50, 100 and 200 ms away. These rates are medians of 2 runs of 2026-12-01,
made after the other tables of this section, when `apply` had learnt to catch up with a slow store.

CPU a request at a vendor that answers at once, the server's own not counted:

{table(["ledger", "CPU µs a request", "to the directory"], costs)}

A packed ledger in which {digits(large['lines'])} lines were sent to, {large['round_trip_ms']} ms away, and `plan` of as many, half of them the same. Round
trips are told by how much longer it takes where each takes {FAR_MS} ms more. Moves are from a directory and back
to one, by a server on this machine.

{table(["ledger", "work", "CPU s", "wall s", "peak MB", "round trips"], rows)}

{found['runners']['runners']} runners on one ledger, each with a campaign of its own, one after the other, and started together; each sent once.

{table(["ledger", "in turn, s", "together, s", "ratio"], runners)}

"""


def where(label):
    kind, _, ms = label.partition(" ")
    return f"{kind}, {ms} ms away" if ms else kind


# Measured once for each decision, not by every run.
KEPT = """## Own code beside a crate

Own code is for what to push and pushing it once; a crate takes the place of the rest where it costs no more than its price.
Tried on 2026-11-30, on a machine that had other work, old and new in turn; so the ratios count.

| own code | instead | price | measured | |
|---|---|---|---|---|
| cutting CSV records | csv-core, behind the rules of quotes | 1.3 × | `plan` of 1 000 000 lines 1.21 × | taken |
| reading plain JSON Lines | serde_json's visitor alone | 1.5 × | `plan` of 1 000 000 lines 1.15 × | taken |
| one list of fields for frequent records | each kind's own type, after the head | 1.2 × | decoding records 1.15 × | taken |
| `load::yaml::plainly` | granit-parser's events for every file | `validate` of 10 000 files 3.2 × the scan | 5.3 ×, and 2.7 × as it was | kept |
| `load::shape::rules` | jsonschema's validator, compiled once, for every file | `plan` of one campaign 25 ms | 43 ms where it was 41 ms, and 18 ms on an idle machine | taken |
| SHA-256 by blocks, 32 ids at a time | sha2's `Digest`, 32 ids at a time | 1.2 × | `plan` of 10 000 000 lines 1.26 ×, an id 82 ns instead of 40 | kept |
| tables for the vendor's percent-encoding | percent-encoding | none | 4.9 µs instead of 3.3 for a request of ten | kept |
| `apply::pace` | governor | none | not tried: it counts when requests begin, not when they can have arrived, and knows no pause that the vendor asks for | kept |
| `lsp::transport` | lsp-server's own | none | not tried: it ends the session at a malformed message or header, and makes room for any length that one claims | kept |

The parser of events takes 290 million instructions for 1 000 of the files above, the plain reader 55 million, and the scan
221 million. So the plain reader stays, and so does what holds it: builds with debug assertions read each plain file both ways.

## Beside version 0.2.0

What this version proves of each reply and of its ledger besides, it pays for elsewhere. `apply`, CPU a request, release builds of both in
turn at a vendor that answers at once, on 2026-11-30, on a machine that had other work:

| call | requests | runs | 0.2.0, median | this version | ratio | mean of the lowest third |
|---|---|---|---|---|---|---|
| PushTemplate | 6 000 | 21 | 126.9 µs | 118.5 µs | 0.93 | 1.00 |
| PushMultiple | 2 000 | 15 | 429.2 µs | 422.9 µs | 0.99 | |

Counted by instructions, which no other work disturbs, a PushTemplate request takes 420 thousand instead of 431, and 77.5
allocations instead of 88.
"""


def timed(figures):
    """A campaign of a given time, if scripts/timed measured one."""
    if "timed" not in figures:
        return ""
    of = figures["timed"]
    build = "" if of["build"] == "release" else f"\nThis was a {of['build']} build on a busy machine: what counts is what was proven, not the speed."
    return f"""
## At a given time

`apply --wait` of one campaign with `not_before`, by `call: {of['call']}`, at a sandbox process on the same cores, by the real clock
(`scripts/timed`): {digits(of['targets'])} targets in {digits(of['requests'])} requests. None came before, however often the sandbox was
asked in the {of['waited_s']} s of waiting, and every one once after it: the first {of['first_after_s']:.1f} s after its time, since the
audience is read again then, and the last {of['last_after_s']:.1f} s after it. Peak memory {digits(of['peak_mb'])} MB.{build}
"""


def main():
    figures = json.loads((DOCS / "performance.json").read_text())
    for name, text in (("performance.svg", svg(plots(figures))), ("performance.md", page(figures))):
        if "--check" not in sys.argv[1:]:
            (DOCS / name).write_text(text)
        elif (DOCS / name).read_text() != text:
            sys.exit(f"docs/{name} is not what scripts/bench/report.py writes: run it")


if __name__ == "__main__":
    main()
