'use strict';

// Writes the summaries of a stream into a table, up to 25 a call, and those that the table had no
// room for again.

const AWS = require('aws-sdk');

const table = process.env.TABLE_NAME;
const documents = new AWS.DynamoDB.DocumentClient();

exports.handler = (event, context, callback) => {
  const requests = event.Records.map((record) => {
    const item = JSON.parse(Buffer.from(record.kinesis.data, 'base64').toString('utf8'));
    return { PutRequest: { Item: item } };
  });
  const batches = [];
  for (let i = 0; i < requests.length; i += 25) {
    batches.push(requests.slice(i, i + 25));
  }
  Promise.all(batches.map((batch) => write(batch, 1)))
    .then(() => callback(null, `wrote ${requests.length} summaries`))
    .catch(callback);
};

function write(batch, attempt) {
  return documents.batchWrite({ RequestItems: { [table]: batch } }).promise().then((answer) => {
    const left = (answer.UnprocessedItems || {})[table] || [];
    if (left.length === 0) {
      return undefined;
    }
    if (attempt === 8) {
      throw new Error(`the table did not take ${left.length} summaries`);
    }
    return new Promise((resolve) => setTimeout(resolve, 50 * 2 ** attempt)).then(() => write(left, attempt + 1));
  });
}
