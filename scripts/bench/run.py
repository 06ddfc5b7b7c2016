#!/usr/bin/env python3
"""Measures whole campaignctl processes beside limits and peers, in one run.

    scripts/bench/run.py [--smoke] [--binary FILE] [--runs N]

Without --smoke: builds in release, installs the peers (libyaml's headers, DuckDB) where they are missing, and writes
docs/performance.json, docs/performance.md and docs/performance.svg. With --smoke: tiny sizes, no peer, one run, writes
nothing: shows that every measurement still works.

Figures are CPU seconds (user and system) of the measured process alone, and its peak memory, as the system counts them;
of several runs the median. Commands of one table run in turn, so that a busy machine is busy for all of them.
"""
import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# What the sandbox takes.
CREDENTIALS = {"MPAAS_AK_ENV": "testAccessKeyId", "MPAAS_SK_ENV": "testAccessKeySecret"}


def measured(command, cwd):
    """Runs a command; returns its wall and CPU seconds, peak megabytes and what it printed."""
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command], cwd=cwd, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, env={**os.environ, **CREDENTIALS})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode != 0:
        sys.exit(f"bench: {command} gave {process.returncode}:\n{text[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return {"wall": wall, "cpu": cpu, "megabytes": usage.ru_maxrss / 1024, "text": text}


def medians(jobs, runs):
    """Runs (label, command, cwd, prepare) jobs in turn; returns the medians of each."""
    seen = {label: [] for label, *_ in jobs}
    for _ in range(runs):
        for label, command, cwd, prepare in jobs:
            if prepare is not None:
                prepare()
            seen[label].append(measured(command, cwd))
    median = lambda label, key: statistics.median(run[key] for run in seen[label])
    return {label: {key: median(label, key) for key in ("wall", "cpu", "megabytes")} for label in seen}


def workspace(place, files):
    subprocess.run([sys.executable, HERE / "workspace.py", place, str(files)], check=True)


def one_campaign(place, endpoint):
    """A workspace of one campaign to the targets of `ids.txt`."""
    campaigns = place / "campaigns"
    campaigns.mkdir(parents=True)
    (campaigns / "campaignctl.yaml").write_text(f"""version: 1
project: bench
time_zone: Asia/Shanghai
default_environment: sandbox
environments:
  sandbox: {{ app_id: ONEX570DA89211721, workspace_id: test, endpoint: "{endpoint}", requests_per_second: 10000, concurrency: 64, ledger: .campaignctl/bench }}
""")
    (campaigns / "all.yaml").write_text("""templates:
  hello: { name: Hello, title: "Hello #name#", body: "Congratulations, #name#" }
audiences:
  everyone: { users: { file: ids.txt } }
strategies:
  at_once: { send: now }
campaigns:
  hello: { template: hello, audience: everyone, strategy: at_once, values: { name: you }, expires_after: 5m }
""")


def ids(path, lines, first=0):
    """Sixteen digits a line; the last two in a hundred repeat the first ones."""
    fresh = lines * 98 // 100
    with open(path, "w") as out:
        for start in range(0, lines, 100_000):
            numbers = range(start, min(start + 100_000, lines))
            out.write("".join(f"2088{(first + (n if n < fresh else n - fresh)) * 7919 % 10**12:012d}\n" for n in numbers))


def anti_join(python, place):
    """What a data team would write: new ids that are not among those sent, counted."""
    script = place / "anti_join.py"
    script.write_text("""import duckdb
read = "read_csv('{}', header=false, columns={{'id': 'VARCHAR'}})"
audience, sent = read.format("campaigns/ids.txt"), read.format("sent.txt")
duckdb.execute("SET threads=1")
print(duckdb.execute(f"SELECT count(*) FROM (SELECT DISTINCT id FROM {audience}) a ANTI JOIN {sent} s USING (id)").fetchall())
""")
    return [python, script]


def bench(binary, scratch, sizes, runs, peers):
    figures = {"validate": {}, "plan": {}, "audience": {}}
    for files in sizes["files"]:
        place = scratch / f"files-{files}"
        workspace(place, files)
        subprocess.run([binary, "-C", place / "campaigns", "apply", "--auto-approve"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        jobs = [
            ("validate", [binary, "validate"], place, None),
            ("plan", [binary, "plan"], place, None),
        ]
        if peers:
            listed = sorted(str(path) for path in (place / "campaigns").glob("*/*.yaml"))
            jobs.append(("libyaml scan", [peers["scan"], *listed], place, None))
        found = medians(jobs, runs)
        for name in ("validate", "plan"):
            figures[name][files] = {"campaignctl": found[name], **({"libyaml scan": found["libyaml scan"]} if peers else {})}
        print(f"bench: {files} files measured", flush=True)
    for lines in sizes["lines"]:
        place = scratch / f"lines-{lines}"
        one_campaign(place, "sandbox")
        ids(place / "campaigns" / "ids.txt", lines)
        jobs = [("campaignctl", [binary, "plan"], place, None)]
        if peers:
            ids(place / "sent.txt", lines, first=lines // 2)
            jobs.append(("DuckDB anti-join", anti_join(peers["python"], place), place, None))
        figures["audience"][lines] = medians(jobs, runs)
        print(f"bench: {lines} lines measured", flush=True)
    figures["apply"] = apply(binary, scratch, sizes["targets"], runs)
    place = scratch / f"files-{sizes['files'][0]}"
    single = scratch / "single"
    workspace(single, 1)
    figures["start"] = medians(
        [("version", [binary, "--version"], place, None), ("plan of one", [binary, "plan"], single, None)], max(runs, 5))
    return figures


def apply(binary, scratch, targets, runs):
    """Applies one campaign to so many targets against a sandbox process, and once to a single one to know the start."""
    server = scratch / "server"
    one_campaign(server, "sandbox")
    (server / "campaigns" / "ids.txt").write_text("1\n")
    process = subprocess.Popen([binary, "sandbox", "--listen", "127.0.0.1:0"], cwd=server, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, env={**os.environ, **CREDENTIALS})
    try:
        endpoint = next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
        endpoint = endpoint.strip("`.,/")
        jobs = []
        for count in (10, targets):
            place = scratch / f"apply-{count}"
            one_campaign(place, endpoint)
            ids_path = place / "campaigns" / "ids.txt"
            ids_path.write_text("".join(f"2088{n:012d}\n" for n in range(count)))

            def fresh(place=place):
                shutil.rmtree(place / "campaigns" / ".campaignctl", ignore_errors=True)
                (place / "campaigns" / "campaignctl.lock").unlink(missing_ok=True)
                subprocess.run([binary, "ledger", "init"], cwd=place, check=True, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env={**os.environ, **CREDENTIALS})

            jobs.append((count, [binary, "apply", "--auto-approve"], place, fresh))
        found = medians(jobs, runs)
    finally:
        process.terminate()
        process.wait()
    requests = targets // 10 - 1
    ledger = sum(path.stat().st_size for path in (scratch / f"apply-{targets}" / "campaigns" / ".campaignctl").rglob("*") if path.is_file())
    whole, start = found[targets], found[10]
    return {
        "targets": targets,
        "microseconds_cpu_a_request": (whole["cpu"] - start["cpu"]) / requests * 1e6,
        "requests_per_second": requests / (whole["wall"] - start["wall"]),
        "megabytes": whole["megabytes"],
        "ledger_bytes_a_target": ledger / targets,
    }


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return {
        "cpu": model, "cores": os.cpu_count(), "kernel": platform.release(),
        "rustc": subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip(),
        "load": os.getloadavg()[0],
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def install_peers(target):
    """Builds the libyaml scan, and DuckDB in a directory of its own."""
    target.mkdir(parents=True, exist_ok=True)
    scan = target / "yaml_scan"
    built = ["cc", "-O2", "-o", str(scan), str(HERE / "yaml_scan.c"), "-lyaml"]
    if subprocess.run(built, stderr=subprocess.DEVNULL).returncode != 0:
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "libyaml-dev"], check=True)
        subprocess.run(built, check=True)
    python = target / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", target / "venv"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "duckdb"], check=True)
    return {"scan": scan, "python": python}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--smoke", action="store_true")
    arguments.add_argument("--binary", type=Path)
    arguments.add_argument("--runs", type=int, default=3)
    given = arguments.parse_args()
    binary = given.binary
    if binary is None:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
        binary = ROOT / "target" / "release" / "campaignctl"
    # A ledger's witness belongs to the measured ledgers only.
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_STATE_HOME"] = str(Path(scratch) / "state")
        if given.smoke:
            sizes = {"files": [1, 3], "lines": [10, 1000], "targets": 100}
            figures = bench(binary.resolve(), Path(scratch), sizes, 1, None)
            print(json.dumps(figures, indent=1))
            return
        sizes = {"files": [100, 1000, 10_000], "lines": [10**4, 10**5, 10**6, 10**7], "targets": 200_000}
        peers = install_peers(ROOT / "target" / "bench")
        figures = bench(binary.resolve(), Path(scratch), sizes, given.runs, peers)
    figures["machine"] = machine()
    figures["version"] = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.strip()
    figures["runs"] = given.runs
    (ROOT / "docs" / "performance.json").write_text(json.dumps(figures, indent=1) + "\n")
    subprocess.run([sys.executable, HERE / "report.py"], check=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    main()
