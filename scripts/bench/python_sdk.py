"""python_sdk.py REQUESTS IN_FLIGHT PORT: sends so many PushTemplate requests of ten targets with the vendor's Python SDK,
alibabacloud-mpaas20201028. Keeps no ledger: it only sends, one after the other, which costs it the least.
"""
import json
import sys

from alibabacloud_mpaas20201028 import models
from alibabacloud_mpaas20201028.client import Client
from alibabacloud_tea_openapi.utils_models import Config


def request(batch):
    targets = {f"2088{number:012d}": f"{number:032d}" for number in range(batch * 10, batch * 10 + 10)}
    return models.PushTemplateRequest(
        app_id="ONEX570DA89211721", workspace_id="test", task_name=f"sandbox/hello@1#{batch + 1}", template_name="Hello",
        template_key_value=json.dumps({"name": "you"}), target_msgkey=json.dumps(targets), delivery_type=3, expired_seconds=300)


def main():
    requests, _, port = map(int, sys.argv[1:])
    client = Client(Config(access_key_id="testAccessKeyId", access_key_secret="testAccessKeySecret", endpoint=f"127.0.0.1:{port}",
                           protocol="HTTP"))
    accepted = sum(client.push_template(request(batch)).body.push_result.success is True for batch in range(requests))
    print(f"{accepted} accepted")
    sys.exit(accepted != requests)


if __name__ == "__main__":
    main()
