"""Makes a bucket in a moto server, and users that may do what docs/ledger.md says and nothing else.

    prepare.py PORT BUCKET NAME=POLICY.json …

Prints each user's keys as JSON. From the server's first action on that is not one of these, it checks every signature and
every permission (`INITIAL_NO_AUTH_ACTION_COUNT`).
"""

import json
import sys

import boto3

port, bucket, users = sys.argv[1], sys.argv[2], sys.argv[3:]
to = dict(
    endpoint_url=f"http://127.0.0.1:{port}",
    region_name="us-east-1",
    aws_access_key_id="set-up",
    aws_secret_access_key="set-up",
)
boto3.client("s3", **to).create_bucket(Bucket=bucket)
iam = boto3.client("iam", **to)
keys = {}
for user in users:
    name, policy = user.split("=", 1)
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="ledger", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys[name] = [key["AccessKeyId"], key["SecretAccessKey"]]
print(json.dumps(keys))
