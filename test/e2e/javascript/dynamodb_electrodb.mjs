// What ElectroDB does with a table: batches, queries of the table and of an index with cursors, conditions,
// updates of sets, lists and maps, and transactions.
import { DynamoDBClient, CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import electro from 'electrodb';
const { Entity, Service } = electro;
const raw = new DynamoDBClient({}), client = DynamoDBDocumentClient.from(raw), table = 'electro';
await raw.send(new CreateTableCommand({ TableName: table, BillingMode: 'PAY_PER_REQUEST', KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }],
  AttributeDefinitions: ['pk', 'sk', 'gsi1pk', 'gsi1sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
  GlobalSecondaryIndexes: [{ IndexName: 'gsi1', KeySchema: [{ AttributeName: 'gsi1pk', KeyType: 'HASH' }, { AttributeName: 'gsi1sk', KeyType: 'RANGE' }], Projection: { ProjectionType: 'ALL' } }] }));
const tasks = new Entity({ model: { entity: 'task', version: '1', service: 'work' },
  attributes: { team: { type: 'string', required: true }, id: { type: 'string', required: true }, project: { type: 'string', required: true }, points: { type: 'number', default: 0 }, tags: { type: 'set', items: 'string' }, notes: { type: 'list', items: { type: 'string' } }, at: { type: 'map', properties: { x: { type: 'number' } } } },
  indexes: { main: { pk: { field: 'pk', composite: ['team'] }, sk: { field: 'sk', composite: ['id'] } }, byProject: { index: 'gsi1', pk: { field: 'gsi1pk', composite: ['project'] }, sk: { field: 'gsi1sk', composite: ['team', 'id'] } } } }, { client, table });
const service = new Service({ tasks });
const eq = (a, b) => { if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(JSON.stringify(a) + ' for ' + JSON.stringify(b)); };
await tasks.put(Array.from({ length: 60 }, (_, i) => ({ team: 't', id: String(i).padStart(3, '0'), project: 'p' + (i % 2), points: i }))).go();
eq((await tasks.query.main({ team: 't' }).go({ pages: 'all' })).data.length, 60);
eq((await tasks.query.main({ team: 't' }).between({ id: '010' }, { id: '019' }).go()).data.length, 10);
eq((await tasks.query.byProject({ project: 'p1' }).where(({ points }, { gte }) => gte(points, 50)).go()).data.length, 5);
const page = await tasks.query.main({ team: 't' }).go({ limit: 7 });
eq((await tasks.query.main({ team: 't' }).go({ limit: 7, cursor: page.cursor })).data[0].id, '007');
await tasks.create({ team: 't', id: 'new', project: 'p' }).go();
let failed; try { await tasks.create({ team: 't', id: 'new', project: 'p' }).go(); } catch (e) { failed = e.message; } if (!/conditional request failed/.test(failed)) throw new Error(failed);
const u = await tasks.patch({ team: 't', id: 'new' }).add({ points: 5, tags: ['a', 'b'] }).append({ notes: ['n'] }).data((a, o) => o.set(a.at, { x: 1 })).go({ response: 'all_new' }).catch((e) => { throw e; });
eq([u.data.points, u.data.tags.sort(), u.data.notes], [5, ['a', 'b'], ['n']]);
await service.transaction.write(({ tasks }) => [tasks.delete({ team: 't', id: 'new' }).where(({ points }, { eq }) => eq(points, 5)).commit(), tasks.upsert({ team: 't', id: 'x', project: 'q' }).commit()]).go();
const canceled = await service.transaction.write(({ tasks }) => [tasks.create({ team: 't', id: 'x', project: 'q' }).commit({ response: 'all_old' }), tasks.put({ team: 't', id: 'y', project: 'q' }).commit()]).go();
eq([canceled.canceled, canceled.data[0].code, canceled.data[0].item.id], [true, 'ConditionalCheckFailed', 'x']);
eq((await tasks.get([{ team: 't', id: 'x' }, { team: 't', id: '001' }, { team: 't', id: 'y' }]).go()).data.length, 2);
eq((await tasks.scan.go({ pages: 'all' })).data.length, 61);
console.log('ok');
