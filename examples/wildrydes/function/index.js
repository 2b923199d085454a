'use strict';

// Writes the summaries of a stream into a table, up to 25 a call, and those that the table had no
// room for again. It needs no SDK: it signs its calls (Signature Version 4) with what Node brings.

const crypto = require('crypto');
const http = require('http');
const https = require('https');

const { AWS_REGION: region, TABLE_NAME: table } = process.env;
const endpoint = new URL(process.env.AWS_ENDPOINT_URL_DYNAMODB || process.env.AWS_ENDPOINT_URL || `https://dynamodb.${region}.amazonaws.com`);

exports.handler = async (event) => {
  const items = new Map(); // by key: a call must not name one twice
  for (const record of event.Records) {
    const summary = JSON.parse(Buffer.from(record.kinesis.data, 'base64').toString('utf8'));
    items.set(JSON.stringify([summary.Name, summary.StatusTime]), summary);
  }
  const requests = [...items.values()].map((summary) => ({ PutRequest: { Item: attributes(summary) } }));
  const batches = [];
  for (let i = 0; i < requests.length; i += 25) {
    batches.push(requests.slice(i, i + 25));
  }
  await Promise.all(batches.map(write));
  return `wrote ${requests.length} summaries`;
};

async function write(batch) {
  let left = batch;
  for (let attempt = 1; left.length > 0; attempt++) {
    if (attempt > 8) {
      throw new Error(`the table did not take ${left.length} summaries`);
    }
    if (attempt > 1) {
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** attempt));
    }
    const answer = await call('BatchWriteItem', { RequestItems: { [table]: left } });
    left = (answer.UnprocessedItems || {})[table] || [];
  }
}

// attributes is a summary in DynamoDB's form. What a summary lacks, its item lacks.
function attributes(summary) {
  const item = {};
  for (const [name, value] of Object.entries(summary)) {
    if (typeof value === 'number') {
      item[name] = { N: String(value) };
    } else if (value !== null) {
      item[name] = { S: String(value) };
    }
  }
  return item;
}

const sha256 = (text) => crypto.createHash('sha256').update(text).digest('hex');

const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();

// signed returns the headers of a call.
function signed(operation, body) {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = process.env;
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const headers = { 'content-type': 'application/x-amz-json-1.0', host: endpoint.host, 'x-amz-date': time, 'x-amz-target': `DynamoDB_20120810.${operation}` };
  if (token) {
    headers['x-amz-security-token'] = token;
  }
  const names = Object.keys(headers).sort();
  const canonical = ['POST', '/', '', ...names.map((name) => `${name}:${headers[name]}`), '', names.join(';'), sha256(body)].join('\n');
  const parts = [time.slice(0, 8), region, 'dynamodb', 'aws4_request'];
  const key = parts.reduce(hmac, `AWS4${secret}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, parts.join('/'), sha256(canonical)].join('\n')).toString('hex');
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${id}/${parts.join('/')}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  headers['content-length'] = Buffer.byteLength(body);
  return headers;
}

function call(operation, input) {
  const body = JSON.stringify(input);
  return new Promise((resolve, reject) => {
    const request = (endpoint.protocol === 'http:' ? http : https).request(endpoint, { method: 'POST', path: '/', headers: signed(operation, body), timeout: 10000 }, (response) => {
      const chunks = [];
      response.on('error', reject);
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode !== 200) {
          reject(new Error(`${operation}: ${response.statusCode} ${text}`));
          return;
        }
        try {
          resolve(JSON.parse(text));
        } catch (error) {
          reject(error);
        }
      });
    });
    request.on('timeout', () => request.destroy(new Error(`${operation}: no answer within 10 seconds`)));
    request.on('error', reject);
    request.end(body);
  });
}
