-- For wrk: one request of the size and shape that `apply` sends, the same each time, with a signature that nobody checks.
local targets = {}
for number = 1, 10 do
  targets[number] = string.format("%%222088%012d%%22%%3A%%22%032d%%22", number, number)
end
wrk.method = "POST"
wrk.path = "/?AccessKeyId=testAccessKeyId&Action=PushTemplate&Format=JSON&Signature=AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D"
  .. "&SignatureMethod=HMAC-SHA1&SignatureNonce=0b6a1f3c-5f0e-4c4b-9a56-7c0f1d2e3a4b&SignatureVersion=1.0"
  .. "&Timestamp=2026-11-24T02%3A00%3A00Z&Version=2020-10-28"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.body = "AppId=ONEX570DA89211721&DeliveryType=3&ExpiredSeconds=300&TargetMsgkey=%7B" .. table.concat(targets, "%2C")
  .. "%7D&TaskName=sandbox%2Fhello%401%231&TemplateKeyValue=%7B%22name%22%3A%22you%22%7D&TemplateName=Hello&WorkspaceId=test"

function done(summary)
  io.write(string.format("requests %d\nmicroseconds %d\nerrors %d\n", summary.requests, summary.duration,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout))
end
