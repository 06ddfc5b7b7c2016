#!/usr/bin/env python3
"""workspace.py OUT N: a workspace OUT/campaigns of N campaign files of about 1.5 kB, 100 to a folder, for measuring.

Each file declares a template, an audience of ten, a strategy and a campaign, with comments, an anchor, Chinese text
and every kind of strategy, as people write them. The same N gives the same bytes.
"""
import os
import random
import sys

out, count = sys.argv[1], int(sys.argv[2])
chance = random.Random(20201028)
words = "spring summer autumn winter flash member vip welcome birthday coupon renew cart ride movie travel".split()
root = os.path.join(out, "campaigns")
os.makedirs(root, exist_ok=True)
with open(os.path.join(root, "campaignctl.yaml"), "w") as project:
    project.write("""version: 1
project: bench
time_zone: Asia/Shanghai
default_environment: sandbox
environments:
  sandbox: { app_id: ONEX570DA89211721, workspace_id: test, endpoint: sandbox, requests_per_second: 10000 }
""")
for number in range(count):
    folder = os.path.join(root, f"{number // 100:03d}")
    if number % 100 == 0:
        os.makedirs(folder, exist_ok=True)
    name = f"{chance.choice(words)}-{chance.choice(words)}-{number:06d}"
    strategy = chance.choice([
        "{ send: now }",
        f"{{ send: now }}  # was planned for {chance.randrange(1, 13)} o'clock",
        "{ send: now }",
    ])
    ids = "\n".join(f"      - \"2088{chance.randrange(10**12):012d}\"" for _ in range(10))
    text = f"""# Campaign {number}: {name}, owned by growth. Generated for measuring.
templates:
  t-{number}:
    name: Tmpl_{number % 50}_{number}
    title: "您好 #name#"
    body: >-
      #name#: {chance.randrange(100)} % off your cart until midnight.
      恭喜您获得优惠券，今日有效。Terms apply.

audiences:
  a-{number}:
    # Exported by the nightly job, reviewed by hand.
    users:
{ids}

classifications:
  c-{number}:
    huawei: &level {{ category: marketing, level: normal }}
    vivo: {{ message_type: operational }}
    oppo: {{ level: 2 }}
    xiaomi: {{ channel_id: "1233{number % 10}" }}

strategies:
  s-{number}: {strategy}

campaigns:
  {name}:
    template: t-{number}
    audience: a-{number}
    classification: c-{number}
    strategy: s-{number}
    values:
      name: 张三
    expires_after: {chance.randrange(1, 60)}m
    extended_params:
      utm_source: push
      utm_campaign: {name}
      deep_link: "app://shop/{chance.randrange(10**6)}?from=push"
      note: "line one, line two, line three of a longer note that nobody reads but everybody sends along"
"""
    with open(os.path.join(folder, f"{name}.yaml"), "w") as file:
        file.write(text)
