// What Dynamoose does with tables: it makes and changes them (indexes, units, time to live, tags, a stream), keeps values of
// every type, and reads and writes by each of its calls.
import assert from 'assert';
import dynamoose from 'dynamoose';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
const raw = new DynamoDB({}), { Condition, Schema, Table, model, type } = dynamoose;
dynamoose.aws.ddb.set(raw);
const waitForActive = { enabled: true, check: { timeout: 60000, frequency: 50 } };
const fails = async (p, re) => { try { await p; } catch (e) { assert(re.test(e.name + ' ' + e.message), e); return e; } assert.fail(`no ${re}`); };
const count = async (p, n) => assert.equal((await p.exec()).count, n);

const Thing = model('Thing', new Schema({
  pk: { type: String, hashKey: true }, sk: { type: Number, rangeKey: true }, n: Number, note: String, active: { type: Boolean, default: true }, when: Date, buf: Buffer,
  status: { type: String, index: { name: 'byStatus', rangeKey: 'sk' }, enum: ['a', 'b'] }, tag: { type: String, index: { name: 'byTag', type: 'local', project: ['status'] } },
  tags: { type: Set, schema: [String] }, nums: { type: Set, schema: [Number] }, list: { type: Array, schema: [String] },
  obj: { type: Object, schema: { x: Number, y: { type: Object, schema: { z: String } } } }, nul: { type: [type.NULL, String] }, any: type.ANY,
}, { timestamps: true, saveUnknown: ['any.**'] }));
new Table('Things', [Thing], { waitForActive, throughput: 'ON_DEMAND', expires: { ttl: 86400, attribute: 'ttl' }, tags: { team: 'x' }, tableClass: 'infrequentAccess', streamOptions: { enabled: true, type: 'NEW_IMAGE' }, update: true });
assert.equal(await Thing.get({ pk: 'none', sk: 0 }), undefined);
const made = (await raw.describeTable({ TableName: 'Things' })).Table;
assert.deepEqual([made.BillingModeSummary.BillingMode, made.TableClassSummary.TableClass, made.StreamSpecification.StreamViewType, made.GlobalSecondaryIndexes[0].IndexName, made.LocalSecondaryIndexes[0].Projection.ProjectionType], ['PAY_PER_REQUEST', 'STANDARD_INFREQUENT_ACCESS', 'NEW_IMAGE', 'byStatus', 'INCLUDE']);
assert.equal((await raw.describeTimeToLive({ TableName: 'Things' })).TimeToLiveDescription.AttributeName, 'ttl');
assert.deepEqual((await raw.listTagsOfResource({ ResourceArn: made.TableArn })).Tags, [{ Key: 'team', Value: 'x' }]);

const when = new Date(1700000000123), key = { pk: 'a', sk: 1 };
await Thing.create({ ...key, status: 'a', tag: 't1', when, buf: Buffer.from('hello'), tags: new Set(['p', 'q']), nums: new Set([1, 2.5]), list: ['l', 'm'], obj: { x: 1, y: { z: 'deep' } }, nul: null, any: { w: [1, 'two', true] }, n: 1 });
const g = await Thing.get(key, { consistent: true });
assert.deepEqual([g.when.getTime(), Buffer.from(g.buf).toString(), [...g.tags].sort(), [...g.nums].sort(), [...g.list], g.obj.y.z, g.nul, g.any, g.active], [when.getTime(), 'hello', ['p', 'q'], [1, 2.5], ['l', 'm'], 'deep', null, { w: [1, 'two', true] }, true]);
assert(g.ttl && g.createdAt instanceof Date);
await fails(Thing.create({ ...key, status: 'a' }), /ConditionalCheckFailed/);
assert.deepEqual(Object.keys(await Thing.get(key, { attributes: ['status', 'sk'] })).sort(), ['sk', 'status']);

assert.equal((await Thing.batchPut(Array.from({ length: 20 }, (_, i) => ({ pk: 'b', sk: i, status: i % 2 ? 'a' : 'b', tag: 't' + i, note: 't' + i, n: i, obj: { x: i } })))).unprocessedItems.length, 0);
await Thing.batchDelete([{ pk: 'b', sk: 18 }, { pk: 'b', sk: 19 }]);
assert.equal((await Thing.batchGet(Array.from({ length: 100 }, (_, i) => ({ pk: 'b', sk: i })))).length, 18);

let u = await Thing.update(key, { $ADD: { n: 3, tags: new Set(['r']), list: 'n' }, $REMOVE: ['tag'], $SET: { active: false, status: 'b' } });
assert.deepEqual([u.n, u.tags.has('r'), [...u.list], u.tag, u.active, u.status], [4, true, ['l', 'm', 'n'], undefined, false, 'b']);
u = await Thing.update(key, { $DELETE: { tags: new Set(['r', 'p']) } });
assert.deepEqual([...u.tags], ['q']);
for (const [returnValues, n] of [['NONE'], ['ALL_OLD', 5], ['UPDATED_OLD', 6], ['ALL_NEW', 8], ['UPDATED_NEW', 9]]) assert.equal((await Thing.update(key, { $ADD: { n: 1 } }, { returnValues }))?.n, n, returnValues);
await fails(Thing.update(key, { n: 1 }, { condition: new Condition().filter('n').gt(1000) }), /ConditionalCheckFailed/);
await Thing.update(key, { n: 50 }, { condition: new Condition().where('n').between(1, 20).and().parenthesis(new Condition().where('status').eq('b').or().where('status').not().exists()) });
await fails(Thing.update({ pk: 'none', sk: 1 }, { n: 1 }, { condition: new Condition().attribute('pk').exists() }), /ConditionalCheckFailed/);
await fails(Thing.delete(key, { condition: new Condition().where('n').eq(1) }), /ConditionalCheckFailed/);

const q = () => Thing.query('pk').eq('b');
await count(q(), 18);
await count(q().where('sk').lt(5), 5);
await count(q().where('sk').between(3, 6), 4);
await count(q().limit(4).all(), 18);
await count(q().count(), 18);
await count(q().filter('n').in([1, 2, 3]), 3);
await count(q().filter('note').beginsWith('t1'), 9);
await count(q().filter('note').contains('5'), 2);
await count(q().filter('obj.x').eq(4), 1);
await count(q().filter('n').not().eq(3).consistent(), 17);
await count(q().parenthesis((c) => c.filter('n').eq(1).or().filter('n').eq(2)), 2);
const last = await q().sort('descending').limit(3).exec();
assert.deepEqual((await q().sort('descending').limit(3).startAt(last.lastKey).exec()).map((x) => x.sk), [14, 13, 12]);
await count(Thing.query('status').eq('a').using('byStatus').where('sk').gt(4), 7);
await count(Thing.query('pk').eq('b').where('tag').beginsWith('t1').using('byTag'), 9);
await count(Thing.scan(), 19);
await count(Thing.scan({ n: { ge: 1 }, status: { eq: 'a' } }), 9);
await count(Thing.scan('tags').contains('q'), 1);
await count(Thing.scan('obj.y.z').eq('deep').using('byStatus'), 1);
await count(Thing.scan().parallel(3).limit(2).all(), 19);

const { transaction } = Thing;
await dynamoose.transaction([transaction.create({ pk: 'tx', sk: 1, n: 1 }), transaction.update(key, { $ADD: { n: 1 } }), transaction.delete({ pk: 'b', sk: 0 }), transaction.condition({ pk: 'b', sk: 1 }, new Condition('n').eq(1))]);
assert.deepEqual((await dynamoose.transaction([transaction.get({ pk: 'tx', sk: 1 }), transaction.get(key)], { type: 'get' })).map((x) => x.n), [1, 51]);
const canceled = await fails(dynamoose.transaction([transaction.create({ pk: 'tx', sk: 1 }), transaction.delete({ pk: 'b', sk: 1 })]), /TransactionCanceled.*\[ConditionalCheckFailed, None\]/);
assert.equal(canceled.CancellationReasons[0].Code, 'ConditionalCheckFailed');
await fails(Thing.create({ pk: 'big', sk: 1, any: 'x'.repeat(410 * 1024) }), /Item size has exceeded/);

// A table grows indexes by a model that has them, and loses them by one that has none.
const grown = (indexed) => {
  const of = (name) => indexed && { index: { name, type: 'global' } };
  const m = model('Grown', new Schema({ pk: { type: String, hashKey: true }, g: { type: String, ...of('byG') }, h: { type: Number, ...of('byH') } }));
  new Table('Grown', [m], { waitForActive, update: true, throughput: indexed ? { read: 5, write: 5 } : { read: 7, write: 6 } });
  return m;
};
await grown(false).create({ pk: '1', g: 'x' });
await count(grown(true).query('g').eq('x'), 1);
assert.deepEqual((await raw.describeTable({ TableName: 'Grown' })).Table.GlobalSecondaryIndexes.map((x) => x.IndexName).sort(), ['byG', 'byH']);
await grown(false).get('1');
const shrunk = (await raw.describeTable({ TableName: 'Grown' })).Table;
assert.deepEqual([shrunk.GlobalSecondaryIndexes, shrunk.ProvisionedThroughput.ReadCapacityUnits], [undefined, 7]);

// Models of one table, one of which refers to another.
const User = model('User', new Schema({ pk: { type: String, hashKey: true }, sk: { type: String, rangeKey: true }, name: String }));
const Order = model('Order', new Schema({ pk: { type: String, hashKey: true }, sk: { type: String, rangeKey: true }, total: Number, user: User }));
new Table('Single', [User, Order], { waitForActive, throughput: 'ON_DEMAND' });
await User.create({ pk: 'u1', sk: 'profile', name: 'Ann' });
await Order.create({ pk: 'u1', sk: 'order1', total: 3, user: { pk: 'u1', sk: 'profile' } });
assert.equal((await (await Order.query('pk').eq('u1').where('sk').beginsWith('order').exec())[0].populate()).user.name, 'Ann');
console.log('ok');
