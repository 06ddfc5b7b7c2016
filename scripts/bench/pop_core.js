// pop_core.js REQUESTS IN_FLIGHT PORT: sends so many PushTemplate requests of ten targets with the vendor's generic client
// for Node, @alicloud/pop-core. Keeps no ledger: it only sends.
'use strict';
const http = require('http');
const { RPCClient } = require('@alicloud/pop-core');

const [requests, inFlight, port] = process.argv.slice(2).map(Number);
const client = new RPCClient({
  accessKeyId: 'testAccessKeyId',
  accessKeySecret: 'testAccessKeySecret',
  endpoint: `http://127.0.0.1:${port}`,
  apiVersion: '2020-10-28',
});
const agent = new http.Agent({ keepAlive: true, maxSockets: inFlight });
let next = 0;
let accepted = 0;

function parameters(batch) {
  const targets = {};
  for (let place = 0; place < 10; place += 1) {
    const number = batch * 10 + place;
    targets[`2088${String(number).padStart(12, '0')}`] = String(number).padStart(32, '0');
  }
  return {
    AppId: 'ONEX570DA89211721',
    WorkspaceId: 'test',
    TaskName: `sandbox/hello@1#${batch + 1}`,
    TemplateName: 'Hello',
    TemplateKeyValue: JSON.stringify({ name: 'you' }),
    TargetMsgkey: JSON.stringify(targets),
    DeliveryType: 3,
    ExpiredSeconds: 300,
  };
}

async function lane() {
  while (next < requests) {
    const batch = next;
    next += 1;
    const reply = await client.request('PushTemplate', parameters(batch), { method: 'POST', agent });
    if (reply.PushResult.Success === true) {
      accepted += 1;
    }
  }
}

Promise.all(Array.from({ length: inFlight }, lane)).then(() => {
  console.log(`${accepted} accepted`);
  process.exit(accepted === requests ? 0 : 1);
});
