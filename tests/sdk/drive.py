"""Drives the vendor's official Python SDKs against a sandbox, and prints what they say of it as JSON.

    drive.py URL SCENARIO [--at MILLISECONDS]

URL is the sandbox's address. Each scenario runs in three clients:

  v3      alibabacloud_mpaas20201028 as it comes: header signature, version 3
  v1      the same with `signature_algorithm="v2"`, which is the RPC signature, version 1
  legacy  aliyunsdkmpaas of 2019-08-21 on aliyunsdkcore

The answer is an object with one value for each client. A reply is
`{"result_code", "success", "data", "request_id"}`; what an SDK raises is
`{"error": {"class", "code", "status", "message"}}`, and `retry_after_ms` where the SDK tells it.
"""

import argparse
import json
import sys
import urllib.parse

from aliyunsdkcore.acs_exception.exceptions import ServerException as LegacyServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from aliyunsdkmpaas.request.v20190821.PushBroadcastRequest import PushBroadcastRequest as LegacyBroadcast
from aliyunsdkmpaas.request.v20190821.PushMultipleRequest import PushMultipleRequest as LegacyMultiple
from aliyunsdkmpaas.request.v20190821.PushTemplateRequest import PushTemplateRequest as LegacyTemplate
from alibabacloud_mpaas20201028 import models
from alibabacloud_mpaas20201028.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config

ACCESS_KEY_ID = "testAccessKeyId"
ACCESS_KEY_SECRET = "testAccessKeySecret"
APP = {"AppId": "ONEX570DA89211721", "WorkspaceId": "test"}
TIMEOUT_MS = 20_000
HOUR_MS = 3_600_000


def full(at):
    """What both calls of the full campaign say; `tests/it/sdk` has the same campaign in YAML."""
    return {
        **APP,
        "TenantId": "ABCDEFGH",
        "TaskName": "十二月 payday",
        "TemplateName": "发薪 v1",
        "TemplateKeyValue": json.dumps({"name": "张三 & *~+ 😀", "money": "200"}),
        "ExpiredSeconds": 600,
        "ExtendedParams": json.dumps({"page": "a&b=c"}),
        "StrategyType": 1,
        "StrategyContent": json.dumps({"fixedTime": at}),
        "Classification": "1",
        "ThirdChannelCategory": {"hms": "9", "vivo": "1"},
        "NotifyLevel": {"hms": "2", "oppo": "2"},
        "MiChannelId": "123321",
        "ChannelId": "pay",
        "TransparentMessagePayload": {"hms": {"data": "x y"}, "honor": {"k": "v"}},
        "TransparentMessageUrgency": "HIGH",
    }


def full_template(at):
    """A `PushTemplate` with all that goes to users."""
    return {
        **full(at),
        "DeliveryType": 3,
        "TargetMsgkey": json.dumps({"user1024": "m1", "用户 2": "m2"}),
        "NotifyType": "notify",
        "SmsStrategy": 2,
        "SmsSignName": "阿克米",
        "SmsTemplateCode": "SMS_1",
        "SmsTemplateParam": json.dumps({"code": "123456"}),
    }


def full_multiple(at):
    """A `PushMultiple` with everything: what a `PushTemplate` says of all targets, each of its own says here."""
    own = {"user1024": "张三 & *~+ 😀", "用户 2": "Li"}
    messages = [
        {"Target": target, "MsgKey": key, "TemplateKeyValue": json.dumps({"name": name, "money": "200"})}
        for (target, name), key in zip(own.items(), ["m1", "m2"])
    ]
    parameters = {**full(at), "DeliveryType": 3, "NotifyType": "notify", "TargetMsg": messages}
    del parameters["TemplateKeyValue"]
    return parameters


def full_broadcast(at):
    """A `PushBroadcast` with everything."""
    return {
        **full(at),
        "DeliveryType": 1,
        "Msgkey": "m1",
        "PushStatus": 0,
        "BindPeriod": 2,
        "AndroidChannel": 2,
    }


def small_template(client_name, more):
    """The least `PushTemplate`, to a target of the client's own."""
    return {
        **APP,
        "TaskName": "task " + client_name,
        "TemplateName": "T",
        "DeliveryType": 3,
        "ExpiredSeconds": 600,
        "TargetMsgkey": json.dumps({"user " + client_name: "m"}),
        **more,
    }


class TeaClient:
    """The current SDK. Its models take the parameters by their wire names."""

    MODELS = {
        "PushTemplate": (models.PushTemplateRequest, "push_template"),
        "PushMultiple": (models.PushMultipleRequest, "push_multiple"),
        "PushBroadcast": (models.PushBroadcastRequest, "push_broadcast"),
        "QueryPushAnalysisTaskList": (models.QueryPushAnalysisTaskListRequest, "query_push_analysis_task_list"),
        "QueryPushSchedulerList": (models.QueryPushSchedulerListRequest, "query_push_scheduler_list"),
        "CancelPushScheduler": (models.CancelPushSchedulerRequest, "cancel_push_scheduler"),
    }

    def __init__(self, address, secret, **options):
        self.client = Client(
            Config(
                access_key_id=ACCESS_KEY_ID,
                access_key_secret=secret,
                endpoint=address,
                protocol="http",
                region_id="cn-hangzhou",
                connect_timeout=TIMEOUT_MS,
                read_timeout=TIMEOUT_MS,
                **options,
            )
        )

    def call(self, action, parameters):
        model, method = self.MODELS[action]
        request = model().from_map(parameters)
        unknown = parameters.keys() - request.to_map().keys()
        if unknown:
            raise SystemExit(f"the SDK's {action} has no {sorted(unknown)}")
        return getattr(self.client, method)(request).body.to_map()


class LegacyClient:
    """The SDK of 2019. What its classes lack goes into the form, as its own users have to do it."""

    CLASSES = {"PushTemplate": LegacyTemplate, "PushMultiple": LegacyMultiple, "PushBroadcast": LegacyBroadcast}
    # Its setters that take a list, by the parameter.
    LISTS = {"TargetMsg": "set_TargetMsgs"}

    def __init__(self, address, secret):
        host, port = address.rsplit(":", 1)
        self.host = host
        self.client = AcsClient(ACCESS_KEY_ID, secret, "cn-hangzhou", port=int(port), timeout=TIMEOUT_MS // 1000)

    def call(self, action, parameters):
        texts = {
            name: json.dumps(value) if isinstance(value, dict) else str(value)
            for name, value in parameters.items()
            if name not in self.LISTS
        }
        request = self.request(action, texts)
        for name in self.LISTS.keys() & parameters.keys():
            getattr(request, self.LISTS[name])(parameters[name])
        request.set_endpoint(self.host)
        request.set_protocol_type("http")
        return json.loads(self.client.do_action_with_exception(request))

    def request(self, action, texts):
        if action not in self.CLASSES:
            request = CommonRequest(version="2020-10-28", action_name=action)
            request.set_method("POST")
            for name, text in texts.items():
                request.add_body_params(name, text)
            return request
        request = self.CLASSES[action]()
        for name, text in texts.items():
            setter = getattr(request, "set_" + name, None)
            if setter:
                setter(text)
            else:
                request.add_body_params(name, text)
        return request


def clients(address, secret=ACCESS_KEY_SECRET):
    """The three clients by name."""
    return {
        "v3": TeaClient(address, secret),
        "v1": TeaClient(address, secret, signature_algorithm="v2"),
        "legacy": LegacyClient(address, secret),
    }


def told(call):
    """Calls, and returns what came of it: the reply of a push, or what the SDK raised."""
    try:
        body = call()
    except AlibabaCloudException as error:
        found = {
            "class": type(error).__name__,
            "code": error.code,
            "status": error.status_code,
            "message": error.message,
        }
        if getattr(error, "retry_after", None) is not None:
            found["retry_after_ms"] = error.retry_after
        return {"error": found}
    except LegacyServerException as error:
        return {
            "error": {
                "class": type(error).__name__,
                "code": error.get_error_code(),
                "status": error.get_http_status(),
                "message": error.get_error_msg(),
            }
        }
    push = body.get("PushResult") or {}
    return {
        "result_code": body.get("ResultCode"),
        "success": push.get("Success"),
        "data": push.get("Data"),
        "request_id": body.get("RequestId"),
    }


def schedule(name, client, at):
    """Schedules a push, lists it, cancels it, and lists again."""
    window = {**APP, "StartTime": at - HOUR_MS, "EndTime": at + HOUR_MS, "PageNumber": 1, "PageSize": 50}

    def listed(unique_id):
        content = client.call("QueryPushSchedulerList", window)["ResultContent"]
        found = [task for task in content["Data"]["List"] if task["UniqueId"] == unique_id]
        keep = ("ParentId", "PushTime", "Type", "DeliveryType", "StrategyType", "ExecutedStatus")
        return [{key: task[key] for key in keep} for task in found]

    strategy = {"StrategyType": 1, "StrategyContent": json.dumps({"fixedTime": at})}
    pushed = told(lambda: client.call("PushTemplate", small_template(name, strategy)))
    unique_id = pushed["data"]
    before = listed(unique_id)
    cancelled = client.call("CancelPushScheduler", {**APP, "UniqueIds": unique_id})
    return {
        "pushed": pushed,
        "listed": before,
        "cancelled": cancelled["ResultCode"],
        "listed_after": listed(unique_id),
    }


def named(name, client):
    """Pushes to two targets at once, and looks the task up by its name."""
    messages = [{"Target": f"user {name} {number}", "MsgKey": f"m{number}"} for number in (1, 2)]
    parameters = {**small_template(name, {}), "TargetMsg": messages}
    del parameters["TargetMsgkey"]
    pushed = told(lambda: client.call("PushMultiple", parameters))
    query = {**APP, "StartTime": 0, "TaskName": "task " + name}
    content = client.call("QueryPushAnalysisTaskList", query)["ResultContent"]
    keep = ("TaskId", "TaskName", "TemplateName", "Type")
    return {"pushed": pushed, "listed": [{key: task[key] for key in keep} for task in content["Data"]]}


def run(scenario, address, at):
    """Runs a scenario in every client, one after the other."""
    if scenario == "bad-signature":
        wrong = clients(address, secret="notTheSecret")
        return {
            name: told(lambda: client.call("PushTemplate", small_template(name, {})))
            for name, client in wrong.items()
        }
    scenarios = {
        "push-template": lambda name, client: told(lambda: client.call("PushTemplate", full_template(at))),
        "push-multiple": lambda name, client: told(lambda: client.call("PushMultiple", full_multiple(at))),
        "named": named,
        "push-broadcast": lambda name, client: told(lambda: client.call("PushBroadcast", full_broadcast(at))),
        "push-small": lambda name, client: told(lambda: client.call("PushTemplate", small_template(name, {}))),
        "schedule": lambda name, client: schedule(name, client, at),
    }
    return {name: scenarios[scenario](name, client) for name, client in clients(address).items()}


def main():
    parser = argparse.ArgumentParser(description="Drives the official SDKs against a sandbox.")
    parser.add_argument("url")
    parser.add_argument(
        "scenario",
        choices=["push-template", "push-multiple", "named", "push-broadcast", "push-small", "schedule", "bad-signature"],
    )
    parser.add_argument("--at", type=int, default=0, help="when a scheduled push happens, in ms since 1970")
    arguments = parser.parse_args()
    address = urllib.parse.urlsplit(arguments.url).netloc
    json.dump(run(arguments.scenario, address, arguments.at), sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
