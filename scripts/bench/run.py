#!/usr/bin/env python3
"""Measures whole campaignctl processes beside limits and peers, in one run.

    scripts/bench/run.py [--smoke | --full] [--binary FILE] [--runs N]
    scripts/postgres run scripts/bench/run.py --stores [--binary FILE] [--runs N]

Builds in release, installs the peers where they are missing (libyaml, boon-cli, DuckDB, pop-core, wrk), and writes
docs/performance.json, docs/performance.md and docs/performance.svg.

    --full      with an apply to ten million targets
    --stores    only ledgers in PostgreSQL and in a bucket, beside one in a directory
    --smoke     tiny sizes, no peer, one run, writes nothing: shows that every measurement still works

Figures are CPU seconds (user and system) of the measured process alone, and its peak memory, as the system counts them;
of several runs the median. Commands of one table run in turn, so that a busy machine is busy for all of them.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import apply
import audience
import files
import peers as installed
import stores
from measure import HERE, ROOT, machine, say, version_in

SMOKE = {"files": [1, 3], "lines": [10, 1000], "format_lines": 100, "requests": 10, "delays_ms": [20], "seconds": 0,
         "targets": [100, 300], "stores": {"seconds": 0, "round_trips_ms": {"PostgreSQL": [0, 5], "S3": [5]}, "requests": 10,
                                           "large": 1000, "large_round_trip_ms": 5, "runners": 3}}
USUAL = {"files": [100, 1000, 10_000], "lines": [10**4, 10**5, 10**6, 10**7], "format_lines": 10**6, "requests": 20_000,
         "delays_ms": [20, 5], "seconds": 5, "targets": [10**5, 10**6]}


# So many requests that no run packs its ledger: that is work of its own.
STORES = {"seconds": 7, "round_trips_ms": {"PostgreSQL": [0, 5, 20, 50], "S3": [20, 50, 100, 200]}, "requests": 6000,
          "large": 10**7, "large_round_trip_ms": 20, "runners": 200}


def bench(binary, scratch, sizes, runs, peers):
    return {
        "start": files.start_table(binary, scratch, runs),
        "files": files.files_table(binary, scratch, sizes["files"], runs, peers),
        "audience": audience.audience_table(binary, scratch, sizes["lines"], runs, peers),
        "formats": audience.formats_table(binary, scratch, sizes["format_lines"], runs, peers),
        "cost": apply.cost_table(binary, scratch, sizes["requests"], runs, peers),
        "rate": apply.rate_table(binary, scratch, sizes["delays_ms"], sizes["seconds"], runs, peers),
        "memory": apply.memory_table(binary, scratch, sizes["targets"], runs, peers),
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--smoke", action="store_true")
    arguments.add_argument("--full", action="store_true")
    arguments.add_argument("--stores", action="store_true")
    arguments.add_argument("--binary", type=Path)
    arguments.add_argument("--runs", type=int, default=3)
    given = arguments.parse_args()
    binary = given.binary
    if binary is None:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
        binary = ROOT / "target" / "release" / "campaignctl"
    binary = binary.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        # A ledger's witness belongs to the measured ledgers only.
        os.environ["XDG_STATE_HOME"] = str(Path(scratch) / "state")
        if given.smoke:
            figures = bench(binary, Path(scratch), SMOKE, 1, None)
            figures["stores"] = stores.stores_table(binary, Path(scratch), SMOKE["stores"], 1, installed.stub("dev"))
            print(json.dumps(figures, indent=1))
            return
        if given.stores:
            before = os.getloadavg()[0]
            found = stores.stores_table(binary, Path(scratch), STORES, given.runs, installed.stub())
            found["machine"] = {**machine(), "load": [before, os.getloadavg()[0]]}
            found["campaignctl"] = version_of(binary)
            write({**kept(), "stores": {**found, "runs": given.runs}})
            return
        sizes = {**USUAL, "targets": [*USUAL["targets"], 10**7]} if given.full else USUAL
        peers = installed.install()
        before = os.getloadavg()[0]
        figures = bench(binary, Path(scratch), sizes, given.runs, peers)
    figures["machine"] = {**machine(), "load": [before, os.getloadavg()[0]]}
    figures["versions"] = {"campaignctl": version_of(binary), **peers["versions"]}
    figures["runs"] = given.runs
    # What other scripts and other runs measured stays.
    write({**figures, **{part: found for part, found in kept().items() if part in ("timed", "stores")}})


def version_of(binary):
    return version_in(subprocess.run([binary, "--version"], capture_output=True, text=True).stdout)


def kept():
    return json.loads((ROOT / "docs" / "performance.json").read_text())


def write(figures):
    (ROOT / "docs" / "performance.json").write_text(json.dumps(figures, indent=1) + "\n")
    subprocess.run([sys.executable, HERE / "report.py"], check=True)
    say("wrote docs/performance.md")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    main()
