// Some operations as a JavaScript program makes them; prints what came of each as JSON.
//
//     node orders.mjs http://127.0.0.1:PORT
//     node orders.mjs http://localhost:PORT --prefixed
//
// With --prefixed the SDK puts `sync-` before the host, and this program's resolver knows
// that name.

import { Agent } from "node:http";
import { randomUUID } from "node:crypto";
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
  StartSyncExecutionCommand,
  TestStateCommand,
  paginateListExecutions,
} from "@aws-sdk/client-sfn";

const [endpoint, prefixed] = process.argv.slice(2);
const toLoopback = (_name, _options, answer) =>
  answer(null, [{ address: "127.0.0.1", family: 4 }]);
const client = new SFNClient({
  endpoint,
  region: "us-east-1",
  credentials: {
    accessKeyId: process.env.AWS_ACCESS_KEY_ID,
    secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
  },
  maxAttempts: 1,
  ...(prefixed
    ? { requestHandler: { httpAgent: new Agent({ lookup: toLoopback }) } }
    : { disableHostPrefix: true }),
});

const roleArn = "arn:aws:iam::123456789012:role/orders";
const definition = JSON.stringify({
  StartAt: "Pack",
  States: { Pack: { Type: "Pass", Result: { packed: true }, End: true } },
});

const create = async (type) => {
  const command = new CreateStateMachineCommand({
    name: `orders-${randomUUID()}`,
    definition,
    roleArn,
    type,
  });
  return (await client.send(command)).stateMachineArn;
};

const closed = async (executionArn) => {
  for (;;) {
    const described = await client.send(new DescribeExecutionCommand({ executionArn }));
    if (described.status !== "RUNNING") return described;
  }
};

const standard = await create("STANDARD");
const express = await create("EXPRESS");
const started = [];
for (const name of ["first", "second", "third"]) {
  const command = new StartExecutionCommand({
    stateMachineArn: standard,
    name,
    input: '{"order": 7}',
  });
  started.push(await client.send(command));
}
const described = await closed(started[0].executionArn);
const history = await client.send(
  new GetExecutionHistoryCommand({ executionArn: started[0].executionArn }),
);
const listed = [];
const pages = paginateListExecutions({ client, pageSize: 1 }, { stateMachineArn: standard });
for await (const page of pages) listed.push(...page.executions.map(({ name }) => name));
const synchronous = await client.send(
  new StartSyncExecutionCommand({ stateMachineArn: express, input: "[1]" }),
);
const tried = await client.send(
  new TestStateCommand({ definition: '{"Type": "Pass", "End": true}', input: "[2]" }),
);
const refused = await client
  .send(new DescribeStateMachineCommand({ stateMachineArn: `${standard}-2` }))
  .catch(({ name, message, $fault, $metadata }) => {
    return { name, message, fault: $fault, status: $metadata.httpStatusCode };
  });
const invalid = await client
  .send(new ListExecutionsCommand({ stateMachineArn: standard, maxResults: 1001 }))
  .catch(({ name }) => ({ name }));

console.log(
  JSON.stringify({
    standard,
    started: started[0].startDate instanceof Date,
    described: { status: described.status, output: described.output },
    history: history.events.map(({ type }) => type),
    listed,
    synchronous: { status: synchronous.status, output: synchronous.output },
    tried: { status: tried.status, output: tried.output },
    refused,
    invalid,
  }),
);
client.destroy();
