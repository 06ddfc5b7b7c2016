"""`apply`: CPU a request, rate at a slow vendor, and memory, each beside a limit or a peer in the same run."""
import json
import re
import shutil
import statistics
import subprocess
import sys
from contextlib import contextmanager

from measure import HERE, Job, fresh_ledger, ids, ledger_bytes, measured, median, medians, one_campaign, refusal, say, threads, tool

IN_FLIGHT = 64
BATCH = {"template": 10, "multiple": 100}
# The vendor's own clients, which only send, and how many requests each has in flight: as many as cost it the least.
PEERS = {"pop-core": 16, "Python SDK": 1}


@contextmanager
def serving(command, cwd=None):
    """A vendor in a process of its own; gives its URL."""
    process = subprocess.Popen([str(part) for part in command], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               stdin=subprocess.DEVNULL, text=True)
    try:
        first = process.stdout.readline().strip().rstrip("/")
        if not first:
            sys.exit(f"bench: {command} did not start")
        yield first if first.startswith("http://") else f"http://127.0.0.1:{first}"
    finally:
        process.kill()
        process.wait()


def vendor(binary, scratch, peers, delay_ms):
    """The stub; without peers the sandbox, which is slower and needs nothing built."""
    if peers:
        return serving([peers["stub"], "vendor", delay_ms])
    return serving([binary, "sandbox", "--listen", "127.0.0.1:0"], scratch)


def calls(binary, scratch):
    """Returns the values of a campaign's `call` that this binary knows; those that it refuses are left out."""
    place = scratch / "call"
    known = {}
    for call in BATCH:
        more = f", call: {call}"
        ids(one_campaign(place, "sandbox", more=more) / "ids.txt", 100)
        if refusal(binary, "validate", cwd=place) is None:
            known[call] = more
    return known or {"template": ""}


def applying(binary, scratch, label, endpoint, targets, more, environment=None):
    """A job that applies one campaign to so many targets with a new ledger each time."""
    place = scratch / re.sub(r"\W+", "-", f"apply-{label}")
    # None of them repeats, or a request would be missing.
    ids(one_campaign(place, endpoint, more=more) / "ids.txt", targets, repeats=0)
    return Job(label, [binary, "apply", "--auto-approve"], place, prepare=lambda: fresh_ledger(binary, place),
               environment=environment)


def wrk(seconds, endpoint):
    return ["wrk", "-t1", f"-c{IN_FLIGHT}", f"-d{seconds}s", "--latency", "-s", HERE / "push.lua", endpoint]


def wrk_of(run):
    """Returns requests a second and CPU microseconds a request of what wrk printed."""
    read = {name: int(re.search(rf"^{name} (\d+)$", run["text"], re.M).group(1)) for name in ("requests", "microseconds", "errors")}
    if read["errors"]:
        sys.exit(f"bench: wrk had {read['errors']} errors")
    return read["requests"] / read["microseconds"] * 1e6, run["cpu"] / read["requests"] * 1e6


def cost_table(binary, scratch, requests, runs, peers):
    """CPU a request at a vendor that answers at once: of many requests less one of a single one. Of fewer, too: the figures
    that the bars of issue 5 quote were measured over 3,000, before Node.js has compiled what runs often."""
    figures, few = {}, max(requests * 3 // 20, 2)
    with vendor(binary, scratch, peers, 0) as endpoint:
        jobs = []
        for call, more in calls(binary, scratch).items():
            for count in (1, few, requests):
                jobs.append(applying(binary, scratch, f"{call} {count}", endpoint, count * BATCH[call], more))
        if peers:
            port = endpoint.rsplit(":", 1)[1]
            for name, in_flight in PEERS.items():
                for count in (1, few, requests):
                    jobs.append(Job(f"{name} {count}", [*peers[name], count, in_flight, port], scratch))
        limits = []
        seen = {job.label: [] for job in jobs}
        for _ in range(runs):
            for job in jobs:
                seen[job.label].append(job.run())
            if peers:
                limits.append(wrk_of(measured(wrk(2, endpoint), scratch)))
        found = {label: median(of) for label, of in seen.items()}
        for name in [*BATCH, *PEERS]:
            if f"{name} 1" in found:
                one, many = found[f"{name} 1"], found[f"{name} {requests}"]
                of_few = (found[f"{name} {few}"]["cpu"] - one["cpu"]) / (few - 1) * 1e6
                figures[name] = {"microseconds_cpu_a_request": (many["cpu"] - one["cpu"]) / (requests - 1) * 1e6,
                                 "microseconds_cpu_a_request_of_few": of_few,
                                 "requests_per_second": (requests - 1) / max(many["wall"] - one["wall"], 1e-9),
                                 "megabytes": many["megabytes"]}
        template = next(job for job in jobs if job.label == f"template {requests}")
        template.prepare()
        shares = threads(template.command, template.cwd)
        figures["threads"] = {name: cpu / requests * 1e6 for name, cpu in shares.items()}
        if limits:
            figures["wrk"] = {"microseconds_cpu_a_request": statistics.median(cpu for _, cpu in limits),
                              "requests_per_second": statistics.median(rate for rate, _ in limits)}
    say("cost of a request measured")
    return {"requests": requests, "few": few, **figures}


def rate_table(binary, scratch, delays_ms, seconds, runs, peers):
    """Requests a second at a vendor that takes its time, with 64 in flight."""
    figures = {}
    for delay_ms in delays_ms:
        requests = max(IN_FLIGHT * 1000 * seconds // delay_ms, 2)
        rates = {}
        with vendor(binary, scratch, peers, delay_ms) as endpoint:
            more = calls(binary, scratch).get("template", "")
            kinds = {"apply": None, **({"apply without sync": {"LD_PRELOAD": str(peers["no_sync"])}} if peers else {})}
            jobs = {name: [applying(binary, scratch, f"{name} {delay_ms} {count}", endpoint, count * BATCH["template"], more, environment)
                           for count in (1, requests)] for name, environment in kinds.items()}
            for _ in range(runs):
                for name, (one, many) in jobs.items():
                    wall = many.run()["wall"] - one.run()["wall"]
                    rates.setdefault(name, []).append((requests - 1) / max(wall, 1e-9))
                if peers:
                    rates.setdefault("wrk", []).append(wrk_of(measured(wrk(seconds, endpoint), scratch))[0])
        figures[delay_ms] = {name: statistics.median(found) for name, found in rates.items()}
        say(f"rate at {delay_ms} ms measured")
    return figures


def memory_table(binary, scratch, targets, runs, peers):
    """Peak memory of an apply, and its ledger afterwards, for growing numbers of targets."""
    figures = {}
    known = calls(binary, scratch)
    call = "multiple" if "multiple" in known else "template"
    with vendor(binary, scratch, peers, 0) as endpoint:
        for count in targets:
            job = applying(binary, scratch, f"memory {count}", endpoint, count, known[call])
            # Ten million take minutes: once, as the page says.
            times = runs if count < 10**7 else 1
            found = median([job.run() for _ in range(times)])
            opened = medians([Job("status", [binary, "status"], job.cwd)], runs)["status"]
            told = json.loads(tool(binary, "status", "--json", cwd=job.cwd))["campaigns"][0]
            if told["accepted"] != count:
                sys.exit(f"bench: {told['accepted']} of {count} targets were accepted")
            figures[count] = {**found, "runs": times, "status": opened,
                              "ledger_bytes_a_target": ledger_bytes(job.cwd) / count}
            shutil.rmtree(job.cwd)
            say(f"apply to {count} targets measured")
    return {"call": call, "found": figures}
