import assert from "node:assert/strict";
import test from "node:test";
import type { Inventory } from "../src/inventory.ts";
import { folded, graphOf, place, resource } from "../src/pipeline/graph.ts";
import { Meter } from "../src/rates.ts";

const arn = (service: string, rest: string) => `arn:aws:${service}:us-east-1:000000000000:${rest}`;

const account: Inventory = {
  services: new Set(), denied: {}, databases: ["shop"], applications: [], queues: [], topics: [], subscriptions: [], jobs: [], boards: [],
  streams: [{ StreamName: "orders", StreamARN: arn("kinesis", "stream/orders"), StreamStatus: "ACTIVE" }],
  deliveries: [
    { DeliveryStreamName: "raw", DeliveryStreamARN: "", DeliveryStreamStatus: "ACTIVE", DeliveryStreamType: "KinesisStreamAsSource",
      Source: { KinesisStreamSourceDescription: { KinesisStreamARN: arn("kinesis", "stream/orders") } },
      Destinations: [{ ExtendedS3DestinationDescription: { BucketARN: "arn:aws:s3:::lake", Prefix: "orders/!{timestamp:yyyy}/" } }] },
    { DeliveryStreamName: "direct", DeliveryStreamARN: "", DeliveryStreamStatus: "ACTIVE", DeliveryStreamType: "DirectPut", Destinations: [{ ExtendedS3DestinationDescription: { BucketARN: "arn:aws:s3:::other" } }] },
  ],
  functions: [{ FunctionName: "consumer", FunctionArn: arn("lambda", "function:consumer"), Environment: { Variables: { TABLE: "orders" } } }],
  mappings: [{ UUID: "1", EventSourceArn: arn("kinesis", "stream/orders"), FunctionArn: arn("lambda", "function:consumer"), State: "Enabled", LastProcessingResult: "PROBLEM: Function call failed" }],
  tables: [{ TableName: "orders", TableArn: "", TableStatus: "ACTIVE", KeySchema: [], AttributeDefinitions: [] }],
  lake: [{ Name: "orders", DatabaseName: "shop", StorageDescriptor: { Location: "s3://lake/orders/" } }],
  apis: [{ id: "a", name: "shop", routes: [{ method: "POST", path: "/orders", uri: "arn:aws:apigateway:us-east-1:kinesis:action/PutRecord", target: "orders" }] }],
};

test("the graph is what configurations say", () => {
  const g = graphOf(account);
  const has = (from: string, to: string) => g.edges.find((e) => e.from === from && e.to === to);
  assert.ok(has("REST/shop", "stream/orders"));
  assert.equal(has("stream/orders", "delivery/raw")?.flow, "delivery/raw");
  assert.ok(has("delivery/raw", "lake/shop.orders"));
  assert.ok(has("put/direct", "delivery/direct"));
  assert.ok(has("delivery/direct", "bucket/other"));
  assert.match(has("stream/orders", "function/consumer")?.trouble ?? "", /PROBLEM/);
  // The variable is a table's name, and also the name of the stream that the function reads.
  assert.equal(has("function/consumer", "table/orders")?.guessed, true);
  assert.equal(has("function/consumer", "stream/orders"), undefined);
});

test("names are read from ARNs and locations", () => {
  assert.equal(resource(arn("lambda", "function:f:PROD")), "f");
  assert.equal(resource(arn("dynamodb", "table/t/stream/2026")), "t");
  assert.deepEqual(place("s3://b/p/q/"), { bucket: "b", prefix: "p/q/" });
  assert.deepEqual(place("arn:aws:s3:::b"), { bucket: "b", prefix: "" });
});

test("rates come of counts", () => {
  const m = new Meter();
  assert.equal(m.take("a", 0, 1000, 0).rate, 0); // what was before is no rate
  assert.equal(m.take("a", 1000, 1100, 0).rate, 100);
  assert.equal(Math.round(m.take("a", 2000, 1200, 0).rate), 100);
  assert.ok(m.take("a", 3000, 1190, 0).rate < 100); // fell a little: nothing came
  assert.ok(m.take("a", 4000, 10, 0).rate >= 0); // created again
  assert.equal(m.take("a", 5000, 10, 0).history.length > 0, true);
});

test("jobs and dashboards are in the graph", () => {
  const g = graphOf({ ...account,
    jobs: [{ Name: "daily", streaming: true, reads: [{ stream: "orders" }], writes: [{ path: "s3://lake/orders/", table: "shop.orders" }] }, { Name: "copy", streaming: false, reads: [{ path: "s3://raw/in/" }], writes: [{ path: "s3://out/" }] }],
    boards: [{ name: "sales", asks: [{ sql: 'SELECT 1 FROM "orders" JOIN nowhere ON true', database: "shop" }, { sql: "SELECT count(*)", stream: "orders" }] }, { name: "other", asks: [{ sql: "SELECT 1 FROM orders" }] }],
  });
  const has = (from: string, to: string) => g.edges.find((e) => e.from === from && e.to === to);
  assert.equal(has("stream/orders", "job/daily")?.stream, "orders");
  assert.ok(has("job/daily", "lake/shop.orders"));
  assert.ok(has("bucket/raw", "job/copy"));
  assert.ok(has("job/copy", "bucket/out"));
  assert.ok(has("lake/shop.orders", "dashboard/sales"));
  assert.ok(has("stream/orders", "dashboard/sales"));
  assert.equal(g.edges.filter((e) => e.to === "dashboard/other").length, 0, "a table of another database");
});

test("a table of a whole bucket holds what is delivered into it", () => {
  const root = { Name: "all", DatabaseName: "shop", StorageDescriptor: { Location: "s3://other/" } };
  assert.ok(graphOf({ ...account, lake: [root] }).edges.some((e) => e.from === "delivery/direct" && e.to === "lake/shop.all"));
});

test("resources that are alike are one", () => {
  const of = (kind: string, n: number) => Array.from({ length: n }, (_, i) => ({ id: `${kind}/${kind}-${i}`, kind: kind as "stream", name: `${kind}-${i}`, sub: "" }));
  const whole = { nodes: [...of("stream", 6), ...of("delivery", 5), ...of("bucket", 1), ...of("table", 4), ...of("queue", 3)],
    edges: [...Array.from({ length: 5 }, (_, i) => ({ from: `stream/stream-${i}`, to: `delivery/delivery-${i}`, delivery: `delivery-${i}`, trouble: i === 3 ? "it fails" : undefined })), ...Array.from({ length: 5 }, (_, i) => ({ from: `delivery/delivery-${i}`, to: "bucket/bucket-0" }))] };
  const g = folded(whole, new Set());
  assert.deepEqual(g.nodes.map((n) => n.name), ["stream ×5", "stream-5", "delivery ×5", "bucket-0", "table ×4", "queue-0", "queue-1", "queue-2"]);
  assert.deepEqual(g.edges.map((e) => [e.from, e.to, e.folded?.length, e.trouble]), [["group/stream/stream-0", "group/delivery/delivery-0", 5, "it fails"], ["group/delivery/delivery-0", "bucket/bucket-0", 5, undefined]]);
  const open = folded(whole, new Set(g.nodes[2]!.members));
  assert.equal(open.nodes.filter((n) => n.kind === "delivery").length, 5);
  assert.equal(open.edges.length, 10);
  assert.deepEqual(folded({ nodes: [], edges: [] }, new Set()), { nodes: [], edges: [] });
});
