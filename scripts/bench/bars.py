"""The bars of issue 5, each held to the figures of one run."""
from dataclasses import dataclass

SCAN, BOON, ANTI_JOIN = "libyaml scan", "boon-cli", "DuckDB anti-join"
NOT_MEASURED = "not measured"


@dataclass
class Bar:
    work: str
    must: str
    measured: str
    verdict: str
    moonshot: str


def bar(work, must, measured, holds, moonshot="", shot=None):
    """One row; `holds` and `shot` are nothing where a figure is missing."""
    said = {True: "met", False: "**missed**", None: NOT_MEASURED}
    reached = {True: " (reached)", False: " (not reached)", None: ""}
    return Bar(work, must, measured if holds is not None else "", said[holds], moonshot + (reached[shot] if moonshot else ""))


def of(figures):
    return [*of_files(figures), *of_apply(figures), *of_audience(figures), *of_start(figures)]


def of_files(figures):
    large, small = figures["files"]["10000"], figures["files"]["1000"]
    validate, plan, scan, boon = large["validate"], large["plan"], large[SCAN], large[BOON]
    growth, memory = plan["cpu"] / small["plan"]["cpu"], plan["megabytes"] / small["plan"]["megabytes"]
    to_scan = lambda figure: figure["cpu"] / scan["cpu"]
    return [
        bar("`validate` 10 000 files", "wall ≤ boon-cli's", f"{validate['wall']:.2f} s, boon-cli {boon['wall']:.2f} s",
            validate["wall"] <= boon["wall"]),
        bar("`validate` 10 000 files", "CPU ≤ 3.2 × the scan", f"{to_scan(validate):.2f} ×", to_scan(validate) <= 3.2, "≤ 1.5 ×",
            to_scan(validate) <= 1.5),
        bar("no-op `plan` of 10 000 campaigns", "CPU ≤ 3.5 × the scan", f"{to_scan(plan):.2f} ×", to_scan(plan) <= 3.5, "≤ 1.5 ×",
            to_scan(plan) <= 1.5),
        bar("growth of `plan`, 10 000 against 1 000", "≤ 11 × CPU", f"{growth:.1f} × CPU, {memory:.1f} × memory", growth <= 11,
            "memory flat", memory <= 1.2),
    ]


def of_apply(figures):
    cost, rows = figures["cost"], []
    work = "`apply`, CPU a request of 10 targets"
    own = cost["template"]["microseconds_cpu_a_request"]
    rows.append(bar(work, "≤ 60 µs", f"{own:.0f} µs", own <= 60, "≤ 30 µs", own <= 30))
    for peer, times, of in (("pop-core", 6, "_of_few"), ("pop-core", 6, ""), ("Python SDK", 10, "")):
        theirs, ours = (cost[name][f"microseconds_cpu_a_request{of}"] for name in (peer, "template"))
        over = f"{cost['few' if of else 'requests']:,} requests".replace(",", " ")
        rows.append(bar(work, f"{times} × less than {peer}, over {over}",
                        f"{theirs / ours:.1f} × less: {ours:.0f} µs, {theirs:.0f} µs", theirs >= times * ours))
    slow, quick = figures["rate"]["20"], figures["rate"].get("5")
    ratio = lambda found: found["apply"] / found["wrk"]
    rows.append(bar("`apply` at 20 ms, 64 in flight, durable", "≥ 0.95 of wrk's rate", f"{ratio(slow):.2f}", ratio(slow) >= 0.95,
                    f"the same at 5 ms: {ratio(quick):.2f}" if quick else "", ratio(quick) >= 0.95 if quick else None))
    share = slow["apply"] / slow["apply without sync"]
    rows.append(bar("durable against a build that skips the sync, at 20 ms", "≥ 0.95", f"{share:.2f}", share >= 0.95))
    memory = figures["memory"]["found"].get("10000000")
    peak = memory["megabytes"] if memory else None
    rows.append(bar("memory of `apply` for 10 million targets", "≤ 400 MB", f"{peak:.0f} MB" if memory else "",
                    peak <= 400 if memory else None, "≤ 200 MB", peak <= 200 if memory else None))
    return rows


def of_audience(figures):
    found = figures["audience"]["10000000"]
    own, peer, status = found["plan beside as many sent"], found[ANTI_JOIN], found["status of as many sent"]
    share = own["cpu"] / peer["cpu"]
    work = "`plan` of 10 million lines against 10 million sent"
    # The ledger after a real apply, where one was made.
    bytes_a_target = max([found["ledger_bytes_a_target"]]
                         + [applied["ledger_bytes_a_target"] for size, applied in figures["memory"]["found"].items() if size == "10000000"])
    return [
        bar(work, "CPU ≤ half of DuckDB's anti-join", f"{own['cpu']:.2f} s, {share:.2f} of {peer['cpu']:.2f} s", share <= 0.5, "≤ 1.5 s",
            own["cpu"] <= 1.5),
        bar(work, "peak ≤ 400 MB", f"{own['megabytes']:.0f} MB", own["megabytes"] <= 400, "≤ 200 MB", own["megabytes"] <= 200),
        bar("ledger of 10 million accepted targets", "≤ 40 bytes a target", f"{bytes_a_target:.1f}", bytes_a_target <= 40),
        bar("ledger of 10 million accepted targets", "opened in under 1 s", f"`status` {status['wall']:.2f} s", status["wall"] < 1),
    ]


def of_start(figures):
    version, plan = figures["start"]["version"], figures["start"]["plan of one"]
    return [
        bar("`--version`", "≤ 5 ms CPU", f"{version['cpu'] * 1000:.1f} ms", version["cpu"] <= 0.005),
        bar("`plan` of one campaign", "≤ 25 ms CPU", f"{plan['cpu'] * 1000:.1f} ms", plan["cpu"] <= 0.025),
    ]


def of_stores(found):
    """The bars of issue 17."""
    rows, rate, cost, large = [], found["rate"], found["cost"], found["large"]
    share = lambda label: rate[label] / rate["directory"] if label in rate else None
    bars = {"PostgreSQL": ((0, 0.97), (5, 0.95), (20, 0.95)), "S3": ((20, 0.95), (50, 0.95), (100, 0.90))}
    far = {"PostgreSQL": 50, "S3": 200}
    for kind, kinds in bars.items():
        for ms, must in kinds:
            reached, shot = share(f"{kind} {ms}"), share(f"{kind} {far[kind]}")
            is_last = ms == kinds[-1][0]
            rows.append(bar(f"`apply` at 20 ms, 64 in flight, ledger in {kind}, {ms} ms away", f"≥ {must} of the directory's rate",
                            f"{reached:.2f}" if reached else "", reached >= must if reached else None,
                            f"0.95 at {far[kind]} ms: {shot:.2f}" if is_last and shot else "", shot >= 0.95 if is_last and shot else None))
    own = cost["PostgreSQL"] / cost["directory"] if "PostgreSQL" in cost else None
    rows.append(bar("CPU a request, PostgreSQL on loopback", "≤ 1.3 × the directory's", f"{own:.2f} ×" if own else "",
                    own <= 1.3 if own else None, "≤ 1.1 ×", own <= 1.1 if own else None))
    for kind in ("PostgreSQL", "S3"):
        if kind not in large:
            continue
        status, plan, cached, near = (large[place][work] for place, work in (
            (kind, "status"), (kind, "plan"), (kind, "plan, cached"), ("directory", "plan")))
        trips = status["round_trips"]
        rows.append(bar(f"`status` of 10 million in {kind}, 20 ms away", "≤ 1 s, ≤ 60 round trips",
                        f"{status['wall']:.2f} s, {trips:.0f} round trips", status["wall"] <= 1 and trips <= 60, "≤ 10 round trips", trips <= 10))
        rows.append(bar(f"`plan` of 10 million against 10 million in {kind}, 20 ms away, cold", "≤ 20 s", f"{plan['wall']:.1f} s",
                        plan["wall"] <= 20, "≤ 8 s", plan["wall"] <= 8))
        times = cached["wall"] / near["wall"]
        rows.append(bar("the same, cached", "≤ 1.3 × the directory's", f"{times:.2f} ×", times <= 1.3))
        walls = found["runners"][kind]
        together = walls["together"] / walls["in turn"]
        rows.append(bar(f"{found['runners']['runners']} runners together on {kind}", "≤ 1.5 × one after the other", f"{together:.2f} ×",
                        together <= 1.5))
    return rows
