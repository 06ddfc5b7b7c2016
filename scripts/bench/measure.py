"""Runs commands and counts what they cost."""
import json
import os
import platform
import re
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
KEYS = ("wall", "cpu", "megabytes")


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def measured(command, cwd, environment=None):
    """Runs a command; returns its wall and CPU seconds, peak megabytes and what it printed."""
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = started(command, cwd, environment, output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command[:6]))} gave {process.returncode}:\n{text[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return {"wall": wall, "cpu": cpu, "megabytes": usage.ru_maxrss / 1024, "text": text}


def started(command, cwd, environment, output):
    return subprocess.Popen(
        [str(part) for part in command], cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        env={**os.environ, **CREDENTIALS, **(environment or {})})


def threads(command, cwd, environment=None):
    """Runs a command; returns the CPU seconds of its threads by their names, numbers at the end left out."""
    found = {}
    process = started(command, cwd, environment, subprocess.DEVNULL)
    while process.poll() is None:
        for task in Path(f"/proc/{process.pid}/task").glob("*"):
            try:
                name = re.sub(r"[-\d]+$", "", (task / "comm").read_text().strip())
                found[task.name] = (name, int((task / "schedstat").read_text().split()[0]) / 1e9)
            except (OSError, IndexError):
                continue  # It ended meanwhile; what was seen before counts.
        time.sleep(0.02)
    seconds = {}
    for name, cpu in found.values():
        seconds[name] = seconds.get(name, 0) + cpu
    return seconds


class Job:
    """A command of a table: run in turn with the others, so that a busy machine is busy for all of them."""

    def __init__(self, label, command, cwd, prepare=None, environment=None):
        self.label, self.command, self.cwd = label, command, cwd
        self.prepare, self.environment = prepare, environment

    def run(self):
        if self.prepare is not None:
            self.prepare()
        return measured(self.command, self.cwd, self.environment)


def medians(jobs, runs):
    """Runs jobs in turn, so many times; returns the median of each figure of each."""
    seen = {job.label: [] for job in jobs}
    for _ in range(runs):
        for job in jobs:
            seen[job.label].append(job.run())
    return {label: median(found) for label, found in seen.items()}


def median(found):
    return {key: statistics.median(run[key] for run in found) for key in KEYS if key in found[0]}


def tool(binary, *arguments, cwd, exits=(0,), environment=None):
    """Runs the tool outside of what is measured; returns its standard output, or nothing where it exits otherwise."""
    ran = subprocess.run([binary, *arguments], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True,
                         env={**os.environ, **CREDENTIALS, **(environment or {})})
    if exits is not None and ran.returncode not in exits:
        sys.exit(f"bench: {' '.join(arguments[:4])} gave {ran.returncode}:\n{ran.stderr.decode(errors='replace')[-2000:]}")
    return ran.stdout if ran.returncode == 0 else None


def refusal(binary, *arguments, cwd):
    """Returns nothing where the tool takes a command, and the first line of what it says where it does not."""
    ran = subprocess.run([binary, *arguments], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         env={**os.environ, **CREDENTIALS})
    return None if ran.returncode == 0 else (ran.stdout + ran.stderr).strip().split("\n")[0]


def one_campaign(place, endpoint, audience="{ file: ids.txt }", more=""):
    """A workspace of one campaign to the targets of a file."""
    campaigns = place / "campaigns"
    campaigns.mkdir(parents=True, exist_ok=True)
    (campaigns / "campaignctl.yaml").write_text(f"""version: 1
project: bench
time_zone: Asia/Shanghai
default_environment: bench
environments:
  bench: {{ app_id: ONEX570DA89211721, workspace_id: test, endpoint: "{endpoint}", requests_per_second: 10000, concurrency: 64, ledger: .campaignctl/bench }}
""")
    (campaigns / "all.yaml").write_text(f"""templates:
  hello: {{ name: Hello, title: "Hello #name#", body: "Congratulations, #name#" }}
audiences:
  everyone: {{ users: {audience} }}
strategies:
  at_once: {{ send: now }}
campaigns:
  hello: {{ template: hello, audience: everyone, strategy: at_once, values: {{ name: you }}, expires_after: 5m{more} }}
""")
    return campaigns


def ids(path, lines, first=0, line="{}\n", head="", repeats=2):
    """Sixteen digits a line; of a hundred the last two, or as many as told, repeat the first ones."""
    fresh = lines * (100 - repeats) // 100
    with open(path, "w") as out:
        out.write(head)
        for start in range(0, lines, 100_000):
            numbers = range(start, min(start + 100_000, lines))
            of = lambda n: f"2088{(first + (n if n < fresh else n - fresh)) * 7919 % 10**12:012d}"
            out.write("".join(line.format(of(n)) for n in numbers))


def fresh_ledger(binary, place):
    """Forgets the workspace's ledger and makes a new one."""
    shutil.rmtree(place / "campaigns" / ".campaignctl", ignore_errors=True)
    (place / "campaigns" / "campaignctl.lock").unlink(missing_ok=True)
    tool(binary, "ledger", "init", cwd=place)


def ledger_bytes(place):
    """What the ledger takes on disk, by the file system's blocks."""
    files = (place / "campaigns" / ".campaignctl").rglob("*")
    return sum(path.stat().st_blocks * 512 for path in files if path.is_file())


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    return {
        "cpu": model, "cores": os.cpu_count(), "gigabytes": round(memory / 2**20), "kernel": platform.release(),
        "rustc": subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def version_in(text):
    """Returns the first version number in a text."""
    found = re.search(r"\d+\.\d+[\w.-]*", text)
    return found.group() if found else "?"
