// Queues, topics, log groups with a live tail, metrics and an alarm by the SDK for JavaScript.
import assert from 'node:assert/strict';
import { CloudWatch } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogs, StartLiveTailCommand } from '@aws-sdk/client-cloudwatch-logs';
import { SNS } from '@aws-sdk/client-sns';
import { SQS } from '@aws-sdk/client-sqs';

const until = async (what, f) => {
  for (const end = Date.now() + 180_000; Date.now() < end; await new Promise((r) => setTimeout(r, 50))) {
    const v = await f();
    if (v) return v;
  }
  throw new Error('no ' + what);
};

const sqs = new SQS();
const arnOf = async (QueueUrl) => (await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ['QueueArn'] })).Attributes.QueueArn;
const { QueueUrl: dead } = await sqs.createQueue({ QueueName: 'js-dead' });
const { QueueUrl } = await sqs.createQueue({
  QueueName: 'js', Attributes: { VisibilityTimeout: '0', RedrivePolicy: JSON.stringify({ deadLetterTargetArn: await arnOf(dead), maxReceiveCount: 1 }) },
});
// The SDK checks the MD5s of bodies and attributes itself.
const sent = await sqs.sendMessageBatch({ QueueUrl, Entries: ['a', 'b ☃'].map((MessageBody, i) => ({
  Id: String(i), MessageBody, MessageAttributes: { n: { DataType: 'Number', StringValue: String(i) }, raw: { DataType: 'Binary', BinaryValue: Buffer.from([0, 255]) } },
})) });
assert.equal(sent.Successful.length, 2);
const got = await until('messages', async () => {
  const { Messages = [] } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2, MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] });
  return Messages.length === 2 && Messages;
});
assert.deepEqual(got.map((m) => m.Body).sort(), ['a', 'b ☃']);
assert.equal(got[0].Attributes.ApproximateReceiveCount, '1');
assert.deepEqual([...got[0].MessageAttributes.raw.BinaryValue], [0, 255]);
await until('dead letters', async () => {
  await sqs.receiveMessage({ QueueUrl });
  return (await sqs.getQueueAttributes({ QueueUrl: dead, AttributeNames: ['All'] })).Attributes.ApproximateNumberOfMessages === '2';
});
await assert.rejects(sqs.sendMessage({ QueueUrl: QueueUrl + '-none', MessageBody: 'x' }), { name: 'QueueDoesNotExist' });

const sns = new SNS();
const { TopicArn } = await sns.createTopic({ Name: 'js' });
await sqs.setQueueAttributes({ QueueUrl: dead, Attributes: { Policy: JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' }] }) } });
await sqs.purgeQueue({ QueueUrl: dead });
await sns.subscribe({ TopicArn, Protocol: 'sqs', Endpoint: await arnOf(dead), Attributes: { FilterPolicy: '{"kind": ["wanted"]}', RawMessageDelivery: 'true' } });
for (const kind of ['other', 'wanted']) {
  await sns.publish({ TopicArn, Message: kind, MessageAttributes: { kind: { DataType: 'String', StringValue: kind } } });
}
const [note] = await until('notification', async () => (await sqs.receiveMessage({ QueueUrl: dead, WaitTimeSeconds: 2 })).Messages);
assert.equal(note.Body, 'wanted');
await assert.rejects(sns.publish({ TopicArn: TopicArn + '-none', Message: 'x' }), { name: 'NotFoundException' });

const logs = new CloudWatchLogs();
const logGroupName = 'js', logStreamName = 's';
await logs.createLogGroup({ logGroupName });
await logs.createLogStream({ logGroupName, logStreamName });
const { logGroupArn } = (await logs.describeLogGroups({ logGroupNamePrefix: logGroupName })).logGroups[0];
const put = (...lines) => logs.putLogEvents({ logGroupName, logStreamName, logEvents: lines.map((message) => ({ message, timestamp: Date.now() })) });
const tail = await logs.send(new StartLiveTailCommand({ logGroupIdentifiers: [logGroupArn], logEventFilterPattern: 'ERROR' }));
const tailed = (async () => {
  for await (const event of tail.responseStream) {
    if (event.sessionStart) await put('INFO one', 'ERROR two');
    const [line] = event.sessionUpdate?.sessionResults ?? [];
    if (line) return line.message;
  }
})();
assert.equal(await tailed, 'ERROR two');
await put(JSON.stringify({ level: 'WARN', ms: 7 }));
assert.equal((await logs.filterLogEvents({ logGroupName, filterPattern: '{ $.ms > 6 }' })).events.length, 1);
const now = Math.floor(Date.now() / 1000);
const { queryId } = await logs.startQuery({ logGroupName, startTime: now - 600, endTime: now + 60, queryString: 'filter ispresent(ms) | stats max(ms) as most' });
const { results } = await until('result', async () => {
  const r = await logs.getQueryResults({ queryId });
  return r.status === 'Complete' && r;
});
assert.deepEqual(results[0].map(({ field, value }) => [field, value]), [['most', '7']]);
await assert.rejects(logs.getLogEvents({ logGroupName: 'none', logStreamName }), { name: 'ResourceNotFoundException' });

const cloudwatch = new CloudWatch();
const Namespace = 'JS', MetricName = 'm';
await cloudwatch.putMetricData({ Namespace, MetricData: [{ MetricName, Values: [1, 2, 3.5], Counts: [1, 2, 1], Timestamp: new Date(), Unit: 'Count', Dimensions: [{ Name: 'd', Value: 'x' }] }] });
const Dimensions = [{ Name: 'd', Value: 'x' }];
const { MetricDataResults: [data] } = await cloudwatch.getMetricData({
  StartTime: new Date(Date.now() - 300_000), EndTime: new Date(Date.now() + 60_000),
  MetricDataQueries: [{ Id: 'm', MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period: 60, Stat: 'Sum' }, ReturnData: false }, { Id: 'e', Expression: 'm * 2' }],
});
assert.deepEqual(data.Values, [17]);
assert.ok(data.Timestamps[0] instanceof Date && Date.now() - data.Timestamps[0] < 180_000);
await cloudwatch.putMetricAlarm({ AlarmName: 'js', Namespace, MetricName, Dimensions, Statistic: 'Sum', Period: 60, EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: 'GreaterThanThreshold', AlarmActions: [TopicArn] });
await cloudwatch.setAlarmState({ AlarmName: 'js', StateValue: 'ALARM', StateReason: 'tried' });
assert.equal((await cloudwatch.describeAlarms({ AlarmNames: ['js'] })).MetricAlarms[0].Threshold, 1);
await assert.rejects(cloudwatch.putMetricData({ Namespace: ':', MetricData: [] }), (e) => e.$metadata.httpStatusCode === 400);
await assert.rejects(cloudwatch.getDashboard({ DashboardName: 'none' }), { name: /ResourceNotFound|DashboardNotFoundError/ });
console.log('signals: fine');
process.exit(0);
