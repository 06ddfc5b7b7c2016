#!/usr/bin/env python3
"""Writes the export of a packed ledger whose one campaign was sent to so many targets.

    scripts/bench/sent.py EXPORT IDS > PACKED

EXPORT is what `ledger export` printed of a ledger with that campaign sent to anybody; IDS has the ids, one a line, that
shall have been sent to besides. `ledger restore PACKED` makes the ledger. Sending to ten million takes minutes, this
takes seconds; and it is a second writer of the format, which the tool has to read.
"""
import base64
import hashlib
import json
import sys

BLOCK, BLOCKS = 400, 64
PREFIX = '{"chain":"'


def main():
    export, ids = sys.argv[1:]
    with open(export) as lines:
        lines = [line.rstrip("\n") for line in lines]
    records = [json.loads(line) for line in lines]
    header = {key: records[0][key] for key in records[0] if key not in ("chain", "serial", "at", "record")}
    submitted = next(record for record in records if record["record"] == "submitted")
    salt, kind = bytes.fromhex(header["salt"]), submitted["content"]["audience"].encode()
    started = hashlib.sha256(salt + kind + b"\0")

    def hashed(line):
        digest = started.copy()
        digest.update(line.rstrip(b"\r\n"))
        return digest.digest()[:16]

    with open(ids, "rb") as listed:
        targets = sorted({hashed(line) for line in listed})
    last = records[-1]
    chain, serial, at = bytes.fromhex(last["chain"]), last["serial"], last["at"]

    def write(record, blocks=()):
        nonlocal chain, serial
        serial += 1
        text = json.dumps({"serial": serial, "at": at, **record}, ensure_ascii=False, separators=(",", ":"))
        chain = hashlib.sha256(chain + text[1:].encode()).digest()[:16]
        line = f'{PREFIX}{chain.hex()}",{text[1:]}'
        if blocks:
            line = f'{line[:-1]},"hashes":"{base64.b64encode(b"".join(blocks)).decode()}"}}'
        sys.stdout.write(line + "\n")

    write({
        "record": "packed", "header": {**header, "format": 2}, "opened_at": records[0]["at"],
        "after": {"serial": last["serial"], "chain": last["chain"]}, "marks": [],
    })
    key = {"campaign": submitted["campaign"], "revision": submitted["revision"]}
    write({
        "record": "packed_edition", **key, "digest": submitted["digest"], "content": submitted["content"],
        "submitted_at": submitted["at"], "last_at": at, "batches": -(-len(targets) // 10),
    })
    blocks = [b"".join(targets[place:place + BLOCK]) for place in range(0, len(targets), BLOCK)]
    for place in range(0, len(blocks), BLOCKS):
        group = blocks[place:place + BLOCKS]
        names = [{"targets": len(block) // 16, "digest": hashlib.sha256(block).hexdigest()[:32]} for block in group]
        write({"record": "packed_targets", **key, "blocks": names}, group)


if __name__ == "__main__":
    main()
