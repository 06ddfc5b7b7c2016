"""Large audiences: `plan` with an empty ledger and with one that was sent to as many, and the formats of a file."""
import gzip
import json
import shutil
import subprocess
import sys

from measure import HERE, Job, fresh_ledger, ids, ledger_bytes, medians, one_campaign, refusal, say, tool

# What a data team would write: new ids that are not among those sent, counted.
ANTI_JOIN = """import duckdb, sys
read = "read_csv('{}', header=false, columns={{'id': 'VARCHAR'}})"
audience, sent = read.format("campaigns/ids.txt"), read.format("sent.txt")
duckdb.execute("SET threads=1")
new = f"(SELECT DISTINCT id FROM {audience}) a ANTI JOIN {sent} s USING (id)"
print(duckdb.execute(f"SELECT count(*) FROM {new}").fetchone()[0])
"""
FORMATS_LINES = 10**6


def sent_ledger(binary, place, sent):
    """Makes the workspace's ledger one whose campaign was sent to every id of a file, and packed."""
    audience = place / "campaigns" / "ids.txt"
    kept = audience.rename(place / "kept.txt")
    with open(sent) as lines:
        audience.write_text(lines.readline())
    fresh_ledger(binary, place)
    tool(binary, "apply", "--auto-approve", cwd=place)
    (place / "export.jsonl").write_bytes(tool(binary, "ledger", "export", cwd=place))
    with open(place / "packed.jsonl", "w") as packed:
        subprocess.run([sys.executable, HERE / "sent.py", place / "export.jsonl", sent], stdout=packed, check=True)
    shutil.rmtree(place / "campaigns" / ".campaignctl")
    tool(binary, "ledger", "restore", place / "packed.jsonl", cwd=place)
    kept.rename(audience)
    for left in ("export.jsonl", "packed.jsonl"):
        (place / left).unlink()


def audience_table(binary, scratch, sizes, runs, peers):
    figures = {}
    for lines in sizes:
        place, beside = scratch / "lines", scratch / "lines-sent"
        for workspace in (place, beside):
            ids(one_campaign(workspace, "sandbox") / "ids.txt", lines)
        sent = beside / "sent.txt"
        ids(sent, lines, first=lines // 2)
        sent_ledger(binary, beside, sent)
        jobs = [
            Job("plan", [binary, "plan"], place),
            Job("plan beside as many sent", [binary, "plan"], beside),
            Job("status of as many sent", [binary, "status"], beside),
        ]
        new = json.loads(tool(binary, "plan", "--json", cwd=beside))["summary"]["targets"]
        if peers:
            script = beside / "anti_join.py"
            script.write_text(ANTI_JOIN)
            jobs.append(Job("DuckDB anti-join", [peers["python"], script], beside))
            theirs = int(jobs[-1].run()["text"])
            if new != theirs:
                sys.exit(f"bench: `plan` pushes to {new} targets, DuckDB finds {theirs}")
        figures[lines] = {**medians(jobs, runs), "new": new, "sent": lines * 98 // 100,
                          "ledger_bytes_a_target": ledger_bytes(beside) / (lines * 98 // 100)}
        say(f"{lines} lines measured")
        shutil.rmtree(place)
        shutil.rmtree(beside)
    return figures


def formats_table(binary, scratch, lines, runs, peers):
    """`plan` of the same ids in each kind of file."""
    written, place = {}, scratch / "formats"
    text = place / "campaigns" / "ids.txt"
    one_campaign(place, "sandbox")
    ids(text, lines)
    written["text"] = ("ids.txt", "")
    ids(text.with_name("ids.csv"), lines, line="{},somebody\n", head="id,name\n")
    written["CSV"] = ("ids.csv", ", column: id")
    ids(text.with_name("ids.jsonl"), lines, line='{{"id":"{}","name":"somebody"}}\n')
    written["JSON Lines"] = ("ids.jsonl", ", field: id")
    with open(text, "rb") as plain, gzip.open(text.with_name("packed.txt.gz"), "wb", compresslevel=6) as packed:
        shutil.copyfileobj(plain, packed)
    written["text, gzip"] = ("packed.txt.gz", "")
    if peers:
        script = place / "write.py"
        script.write_text("""import duckdb
read = "(SELECT * FROM read_csv('campaigns/{}', header={}, columns={}))"
text = read.format("ids.txt", "false", "{'id': 'VARCHAR'}")
table = read.format("ids.csv", "true", "{'id': 'VARCHAR', 'name': 'VARCHAR'}")
duckdb.execute(f"COPY {text} TO 'campaigns/zstd.txt.zst' (FORMAT csv, HEADER false, COMPRESSION zstd)")
duckdb.execute(f"COPY {table} TO 'campaigns/ids.parquet' (FORMAT parquet)")
""")
        subprocess.run([peers["python"], script], cwd=place, check=True)
        written["text, zstd"] = ("zstd.txt.zst", "")
        written["Parquet"] = ("ids.parquet", ", column: id")
    jobs, refused = [], {}
    for name, (file, more) in written.items():
        workspace = scratch / f"format-{len(jobs) + len(refused)}"
        campaigns = one_campaign(workspace, "sandbox", f"{{ file: {file}{more} }}")
        (text.parent / file).rename(campaigns / file)
        said = refusal(binary, "plan", cwd=workspace)
        if said is None:
            jobs.append(Job(name, [binary, "plan"], workspace))
        else:
            refused[name] = said
            say(f"{name} is left out: {said}")
    found = medians(jobs, runs)
    say(f"{len(jobs)} formats measured")
    return {"lines": lines, "found": found, "left_out": sorted(refused)}
