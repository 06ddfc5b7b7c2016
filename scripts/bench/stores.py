"""The ledger in PostgreSQL and in a bucket, each beside a directory in the same run, with a proxy that makes them far away."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from apply import BATCH, IN_FLIGHT, applying, calls, serving
from audience import sent_ledger
from measure import CREDENTIALS, KEYS, Job, ids, measured, medians, one_campaign, say, tool

# What a role of `scripts/postgres` and a bucket that checks no signature take.
STORE_CREDENTIALS = {"PGPASSWORD": "the-ledgers-password", "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
VENDOR_MS = 20
# How much longer a round trip takes in the second of two runs that count them.
FAR_MS = 100
# The directory that a moved ledger comes back to, beside the project file.
BACK = ".campaignctl/back"


class Far:
    """A server behind a proxy: how many milliseconds a round trip takes, and how a ledger there is called."""

    def __init__(self, kind, port, stub, stack):
        self.kind, self.port, self.stub, self.stack, self.ports = kind, port, stub, stack, {}

    def ledger(self, name, round_trip_ms=0):
        # The servers may be there for longer than one run.
        name, port = f"{name}-{os.getpid()}", self.port
        if round_trip_ms:
            if round_trip_ms not in self.ports:
                proxy = serving([self.stub, "proxy", port, round_trip_ms / 2])
                self.ports[round_trip_ms] = self.stack.enter_context(proxy).rsplit(":", 1)[1]
            port = self.ports[round_trip_ms]
        if self.kind == "PostgreSQL":
            return f"postgres://ledger@127.0.0.1:{port}/push?ledger={name}"
        return f"s3://bench/{name}?region=bench-1&endpoint=http://127.0.0.1:{port}"


@contextmanager
def servers(stub):
    """PostgreSQL, where `scripts/postgres run` started it, and a bucket in memory."""
    with ExitStack() as stack:
        found, postgres = {}, os.environ.get("CAMPAIGNCTL_TEST_POSTGRES")
        if postgres:
            port = Path(postgres, "ports").read_text().split()[0]
            found["PostgreSQL"] = Far("PostgreSQL", port, stub, stack)
        else:
            say("PostgreSQL is left out: run this by `scripts/postgres run`")
        bucket = stack.enter_context(serving([stub, "bucket"])).rsplit(":", 1)[1]
        found["S3"] = Far("S3", bucket, stub, stack)
        yield found


def placed(place, ledger):
    """Gives the workspace's environment another ledger."""
    project = place / "campaigns" / "campaignctl.yaml"
    head, _, _ = project.read_text().rpartition(", ledger: ")
    project.write_text(f'{head}, ledger: "{ledger}" }}\n')


class Fresh:
    """Makes a new ledger in a store before each run."""

    made = 0

    def __init__(self, binary, place, ledger):
        self.binary, self.place, self.ledger = binary, place, ledger

    def __call__(self):
        Fresh.made += 1
        placed(self.place, self.ledger(f"l{Fresh.made}"))
        (self.place / "campaigns" / "campaignctl.lock").unlink(missing_ok=True)
        tool(self.binary, "ledger", "init", cwd=self.place)


def applies(binary, scratch, endpoint, requests, more, ledgers):
    """For each ledger two jobs: an apply of one request, and of many."""
    jobs = {}
    for number, (label, ledger) in enumerate(ledgers.items()):
        jobs[label] = []
        for count in (1, requests):
            job = applying(binary, scratch, f"store {number} {count}", endpoint, count * BATCH["template"], more)
            if ledger is not None:
                job.prepare = Fresh(binary, job.cwd, ledger)
            jobs[label].append(job)
    return jobs


def rate_table(binary, scratch, sizes, runs, stub, far):
    """Requests a second at a slow vendor, with the ledger in a directory and in stores so far away."""
    requests = max(IN_FLIGHT * 1000 * sizes["seconds"] // VENDOR_MS, 2)
    ledgers = {"directory": None}
    for kind, server in far.items():
        for ms in sizes["round_trips_ms"][kind]:
            ledgers[f"{kind} {ms}"] = lambda name, server=server, ms=ms: server.ledger(name, ms)
    rates = {label: [] for label in ledgers}
    with serving([stub, "vendor", VENDOR_MS]) as endpoint:
        more = calls(binary, scratch).get("template", "")
        jobs = applies(binary, scratch, endpoint, requests, more, ledgers)
        for _ in range(runs):
            for label, (one, many) in jobs.items():
                wall = many.run()["wall"] - one.run()["wall"]
                rates[label].append((requests - 1) / max(wall, 1e-9))
    say("rates with ledgers far away measured")
    return {label: statistics.median(found) for label, found in rates.items()}


def cost_table(binary, scratch, requests, runs, stub, far):
    """CPU microseconds a request, with the ledger in a directory and on a server of this machine, whose own is not counted."""
    ledgers = {"directory": None, **{kind: server.ledger for kind, server in far.items()}}
    seen = {label: [] for label in ledgers}
    with serving([stub, "vendor", 0]) as endpoint:
        more = calls(binary, scratch).get("template", "")
        jobs = applies(binary, scratch, endpoint, requests, more, ledgers)
        for _ in range(runs):
            for label, (one, many) in jobs.items():
                seen[label].append((many.run()["cpu"] - one.run()["cpu"]) / (requests - 1) * 1e6)
    say("cost of a request with ledgers in stores measured")
    return {label: statistics.median(found) for label, found in seen.items()}


def large_table(binary, scratch, sizes, runs, far):
    """Moving a packed ledger, then `status` and `plan` of it from so far away."""
    lines, ms = sizes["large"], sizes["large_round_trip_ms"]
    place = scratch / "large"
    ids(one_campaign(place, "sandbox") / "ids.txt", lines)
    sent = place / "sent.txt"
    ids(sent, lines, first=lines // 2)
    sent_ledger(binary, place, sent)
    commands = {"status": ["status"], "plan": ["plan"]}
    said = {name: tool(binary, *words, "--json", cwd=place) for name, words in commands.items()}
    found = {"lines": lines, "round_trip_ms": ms}
    found["directory"] = medians([Job(name, [binary, *words], place) for name, words in commands.items()], runs)
    for kind, server in far.items():
        moved, caches = scratch / f"moved-{kind}", scratch / f"caches-{kind}"
        shutil.copytree(place, moved)
        name = f"large-{kind.lower()}"
        # A memory of its own, since the ledger is moved from here more than once.
        own = {"XDG_STATE_HOME": str(scratch / f"state-{kind}"), "XDG_CACHE_HOME": str(caches)}
        move = measured([binary, "ledger", "move", server.ledger(name), "--auto-approve"], moved, own)
        figures = {"move": {key: move[key] for key in KEYS}}

        def away(command, round_trip_ms, cached):
            def prepare():
                placed(moved, server.ledger(name, round_trip_ms))
                if not cached:
                    shutil.rmtree(caches, ignore_errors=True)
            job = Job(command, [binary, *commands[command]], moved, prepare, own)
            return medians([job], runs)[command]

        for command in commands:
            near, farther = (away(command, round_trip_ms, cached=False) for round_trip_ms in (ms, ms + FAR_MS))
            trips = (farther["wall"] - near["wall"]) / (FAR_MS / 1000)
            figures[command] = {**near, "round_trips": trips}
        figures["plan, cached"] = away("plan", ms, cached=True)
        for command, words in commands.items():
            if differing(said[command], tool(binary, *words, "--json", cwd=moved, environment=own)):
                sys.exit(f"bench: `{command}` says something else of the ledger in {kind}")
        placed(moved, server.ledger(name))
        back = measured([binary, "ledger", "move", BACK, "--auto-approve"], moved, own)
        figures["move back"] = {key: back[key] for key in KEYS}
        placed(moved, BACK)
        for command, words in commands.items():
            if differing(said[command], tool(binary, *words, "--json", cwd=moved, environment=own)):
                sys.exit(f"bench: `{command}` says something else of the ledger that came back from {kind}")
        found[kind] = figures
        say(f"{lines} lines with a ledger in {kind} measured")
        shutil.rmtree(moved)
    shutil.rmtree(place)
    return found


def differing(ours, theirs):
    """Whether two documents say different numbers of targets."""
    counts = lambda text: [value for key, value in walk(json.loads(text)) if key in ("accepted", "targets", "unknown", "rejected")]
    return not counts(ours) or counts(ours) != counts(theirs)


def walk(value, key=None):
    if isinstance(value, dict):
        for name, part in value.items():
            yield from walk(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from walk(part, key)
    else:
        yield key, value


def runners_table(binary, scratch, count, stub, far):
    """So many runners, each with a campaign of its own, one after the other and then all at once, on one ledger."""
    found = {"runners": count}
    with serving([stub, "vendor", VENDOR_MS]) as endpoint:
        for kind, server in far.items():
            walls = {}
            for manner in ("in turn", "together"):
                places = runners(binary, scratch / f"runners-{kind}-{manner}", endpoint, count, server.ledger(f"runners-{manner[:2]}-{kind.lower()}"))
                began = time.monotonic()
                started = []
                for place in places:
                    process = subprocess.Popen([binary, "--lock-timeout", "30m", "apply", "--auto-approve"], cwd=place,
                                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                               env={**os.environ, **CREDENTIALS, "XDG_STATE_HOME": str(place / "state")})
                    started.append(process)
                    if manner == "in turn":
                        process.wait()
                ended = [process.communicate()[0] for process in started]
                walls[manner] = time.monotonic() - began
                failed = [said for process, said in zip(started, ended) if process.returncode != 0]
                if failed:
                    sys.exit(f"bench: {len(failed)} of {count} runners failed:\n{failed[0].decode(errors='replace')[-2000:]}")
                told = json.loads(tool(binary, "status", "--json", cwd=places[0]))
                if sum(value for key, value in walk(told) if key == "accepted") != count:
                    sys.exit(f"bench: not every one of {count} runners sent once")
            found[kind] = walls
            say(f"{count} runners on one ledger in {kind} measured")
    return found


def runners(binary, scratch, endpoint, count, ledger):
    """Workspaces of one project, each with a campaign that no other has, to one target."""
    places, first = [], scratch / "0"
    for number in range(count):
        place = scratch / str(number)
        campaigns = one_campaign(place, endpoint)
        (campaigns / "ids.txt").write_text(f"20880000{number:08d}\n")
        text = (campaigns / "all.yaml").read_text()
        (campaigns / "all.yaml").write_text(text.replace("campaigns:\n  hello:", f"campaigns:\n  hello-{number}:"))
        placed(place, ledger)
        if number == 0:
            tool(binary, "ledger", "init", cwd=place)
        else:
            shutil.copy(first / "campaigns" / "campaignctl.lock", campaigns)
        places.append(place)
    return places


def stores_table(binary, scratch, sizes, runs, stub):
    os.environ.update(STORE_CREDENTIALS)
    with servers(stub) as far:
        return {
            "rate": rate_table(binary, scratch, sizes, runs, stub, far),
            "cost": cost_table(binary, scratch, sizes["requests"], runs, stub, far),
            "large": large_table(binary, scratch, sizes, runs, far),
            "runners": runners_table(binary, scratch, sizes["runners"], stub, far),
        }
