'use strict';
// The runtime of Node functions: loads the handler, then takes one invocation after the
// other from the Runtime API. Nothing but Node itself; Node 14 and later.

const net = require('net');
const fs = require('fs');
const path = require('path');
const util = require('util');
const Module = require('module');
const { pathToFileURL } = require('url');

const env = process.env;
const address = env.AWS_LAMBDA_RUNTIME_API;
const slash = address.indexOf('/');
const authority = slash < 0 ? address : address.slice(0, slash);
const base = (slash < 0 ? '' : address.slice(slash)) + '/2018-06-01/runtime/';
const colon = authority.lastIndexOf(':');
const taskRoot = env.LAMBDA_TASK_ROOT;

// One HTTP/1.1 connection, kept open. The server is ours: it sends lengths.
class Connection {
  constructor() {
    this.parts = [];
    this.size = 0;
    this.waiting = null;
    this.socket = net.connect({ host: authority.slice(0, colon), port: Number(authority.slice(colon + 1)), noDelay: true });
    this.socket.setNoDelay(true);
    this.socket.on('data', (part) => {
      this.parts.push(part);
      this.size += part.length;
      this.look();
    });
    // The node has gone.
    this.socket.on('close', () => process.exit(0));
    this.socket.on('error', () => process.exit(0));
  }

  exchange(method, target, body, headers) {
    const head = `${method} ${base}${target} HTTP/1.1\r\nHost: ${authority}\r\nContent-Length: ${body ? body.length : 0}\r\n${headers || ''}\r\n`;
    this.socket.ref();
    this.socket.cork();
    this.socket.write(head, 'latin1');
    if (body) this.socket.write(body);
    this.socket.uncork();
    return new Promise((resolve) => {
      this.waiting = { resolve, length: -1 };
      this.look();
    });
  }

  look() {
    const w = this.waiting;
    if (!w) return;
    if (w.length < 0) {
      if (this.parts.length > 1) this.parts = [Buffer.concat(this.parts)];
      if (!this.parts.length) return;
      const all = this.parts[0];
      const end = all.indexOf('\r\n\r\n');
      if (end < 0) return;
      const lines = all.toString('latin1', 0, end).split('\r\n');
      w.status = Number(lines[0].split(' ')[1]);
      w.fields = {};
      for (const line of lines.slice(1)) {
        const at = line.indexOf(':');
        w.fields[line.slice(0, at).toLowerCase()] = line.slice(at + 1).trim();
      }
      w.length = Number(w.fields['content-length'] || 0);
      this.parts = [all.subarray(end + 4)];
      this.size = this.parts[0].length;
    }
    if (this.size < w.length) return;
    const all = this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts);
    this.parts = all.length > w.length ? [all.subarray(w.length)] : [];
    this.size = all.length - w.length;
    this.waiting = null;
    // Without what the function itself waits for, the process is idle.
    this.socket.unref();
    w.resolve({ status: w.status, fields: w.fields, body: all.subarray(0, w.length) });
  }
}

const connection = new Connection();
let requestId; // of the invocation under way; before the first, AWS's lines say undefined too

// What the console prints has the form of AWS's: time, request, level.
function patchConsole() {
  const levels = { log: 'INFO', debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR', trace: 'TRACE' };
  for (const [method, level] of Object.entries(levels)) {
    console[method] = (...args) => printArguments(level, args);
  }
  console.fatal = (...args) => printArguments('FATAL', args);
}

const json = env.AWS_LAMBDA_LOG_FORMAT === 'JSON';

function printJSON(level, message, more) {
  let text;
  try {
    text = JSON.stringify({ timestamp: new Date().toISOString(), level, requestId, message, ...more });
  } catch (error) { // a cycle, or a BigInt
    text = JSON.stringify({ timestamp: new Date().toISOString(), level, requestId, message: util.format(message), ...more });
  }
  process.stdout.write(text + '\n');
}

// What a console method is given: a value alone stays what it is, an error is told by its members.
function printArguments(level, args) {
  if (!json) return print(level, util.format(...args));
  const error = args.find((a) => a instanceof Error || util.types.isNativeError(a));
  const message = args.length === 1 && !error ? args[0] : util.format(...args);
  printJSON(level, message === undefined ? 'undefined' : message, error && { errorType: error.name, errorMessage: error.message, stackTrace: String(error.stack || '').split('\n') });
}

function printFault(title, error) {
  if (!json) return print('ERROR', title + ' \t' + loggable(error));
  const { stack, ...fault } = JSON.parse(loggable(error));
  printJSON('ERROR', { ...fault, stackTrace: stack });
}

function print(level, message) {
  if (json) return printJSON(level, message);
  process.stdout.write(`${new Date().toISOString()}\t${requestId}\t${level}\t${message}`.replace(/\n/g, '\r') + '\n');
}

function faultOf(error) {
  if (error instanceof Error || util.types.isNativeError(error)) {
    return { errorType: error.name, errorMessage: error.message, trace: String(error.stack || '').split('\n') };
  }
  if (error === null || error === undefined) {
    return { errorType: typeof error === 'undefined' ? 'undefined' : 'null', errorMessage: String(error), trace: [] };
  }
  return { errorType: typeof error, errorMessage: typeof error === 'object' ? util.inspect(error) : String(error), trace: [] };
}

function loggable(error) {
  const f = faultOf(error);
  return JSON.stringify({ errorType: f.errorType, errorMessage: f.errorMessage, ...(error && typeof error === 'object' && error.code ? { code: error.code } : {}), stack: f.trace });
}

class RuntimeError extends Error {
  constructor(kind, message, cause) {
    super(message);
    this.name = kind;
    if (cause && cause.stack) this.stack = `${kind}: ${message}\n${String(cause.stack).split('\n').slice(1).join('\n')}`;
  }
}

async function initFailed(error) {
  printFault('Uncaught Exception', error);
  const kind = faultOf(error).errorType;
  await connection.exchange('POST', 'init/error', Buffer.from(JSON.stringify(faultOf(error))), `Lambda-Runtime-Function-Error-Type: ${kind.replace(/[^\x20-\x7e]/g, '?')}\r\n`);
  process.exit(1);
}

// A version of the SDK that does not read its endpoint from the environment is given it.
function patchOldSDK() {
  const endpoint = env.AWS_ENDPOINT_URL;
  if (!endpoint) return;
  const load = Module._load;
  const done = new WeakSet();
  Module._load = function (request, parent, isMain) {
    const loaded = load.apply(this, arguments);
    if (request === 'aws-sdk' || request.startsWith('aws-sdk/')) {
      try {
        const AWS = loaded && loaded.config && loaded.config.update ? loaded : load.call(this, 'aws-sdk/global', parent, false);
        if (AWS && AWS.config && !done.has(AWS.config)) {
          done.add(AWS.config);
          AWS.config.update({ endpoint, s3ForcePathStyle: true });
        }
      } catch (e) { /* a module of the function's own of that name */ }
    }
    return loaded;
  };
}

// Modules that are imported find what AWS's runtime brings along, as those do that are
// required.
function registerImports() {
  const folders = (env.NODE_PATH || '').split(':').filter((f) => f && fs.existsSync(f));
  if (!folders.length || !Module.register) return;
  const source = `
    const folders = ${JSON.stringify(folders.map((f) => pathToFileURL(f + '/').href))};
    export async function resolve(specifier, context, next) {
      try { return await next(specifier, context); } catch (error) {
        if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^[./]|^[a-z]+:/.test(specifier)) throw error;
        for (const f of folders) {
          try { return await next(specifier, { ...context, parentURL: new URL('../_.mjs', f).href }); } catch (e) { /* the next */ }
        }
        throw error;
      }
    }`;
  Module.register('data:text/javascript,' + encodeURIComponent(source));
}

function isModule(file) {
  if (file.endsWith('.mjs')) return true;
  if (file.endsWith('.cjs')) return false;
  for (let dir = path.dirname(file); dir.startsWith(taskRoot); dir = path.dirname(dir)) {
    try {
      return JSON.parse(fs.readFileSync(path.join(dir, 'package.json'), 'utf8')).type === 'module';
    } catch (e) { /* one further up */ }
  }
  return false;
}

async function load() {
  const name = env._HANDLER;
  if (name.includes('..')) throw new RuntimeError('Runtime.MalformedHandlerName', `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  const m = /^((?:.*\/)?)([^/.]+)\.(.+)$/.exec(name);
  if (!m) throw new RuntimeError('Runtime.MalformedHandlerName', 'Bad handler');
  const stem = path.resolve(taskRoot, m[1], m[2]);
  const file = ['', '.js', '.mjs', '.cjs'].map((e) => stem + e).find((f) => fs.existsSync(f) && fs.statSync(f).isFile());
  let loaded;
  try {
    if (!file) {
      loaded = require(require.resolve(stem, { paths: [taskRoot] }));
    } else if (isModule(file)) {
      registerImports();
      loaded = await import(pathToFileURL(file).href);
    } else {
      loaded = require(file);
    }
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeError('Runtime.UserCodeSyntaxError', String(error), error);
    if (error && (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND')) {
      throw new RuntimeError('Runtime.ImportModuleError', String(error), error);
    }
    throw error;
  }
  const find = (from) => m[3].split('.').reduce((o, k) => (o === undefined || o === null ? undefined : o[k]), from);
  let handler = find(loaded);
  if (handler === undefined && loaded && loaded.default) handler = find(loaded.default);
  if (handler === undefined || handler === null) throw new RuntimeError('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw new RuntimeError('Runtime.HandlerNotFound', `${name} is not a function`);
  return handler;
}

const streaming = Symbol.for('brookmere.streaming');

globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[streaming] = options || {};
    return handler;
  },
  HttpResponseStream: {
    from(stream, metadata) {
      stream.setContentType('application/vnd.awslambda.http-integration-response');
      stream.prelude(JSON.stringify(metadata) + '\0'.repeat(8));
      return stream;
    },
  },
};

// The body of a response that is sent while it is made.
function responseStream(id) {
  const http = require('http');
  let request;
  let type = 'application/octet-stream';
  const { Writable } = require('stream');
  let answered;
  const done = new Promise((resolve) => { answered = resolve; });
  const open = () => {
    if (request) return;
    request = http.request({
      host: authority.slice(0, colon), port: Number(authority.slice(colon + 1)), method: 'POST', path: `${base}invocation/${id}/response`,
      headers: {
        'Content-Type': type, 'Transfer-Encoding': 'chunked', 'Lambda-Runtime-Function-Response-Mode': 'streaming',
        Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
      },
    }, (response) => { response.resume(); response.on('end', answered); });
    request.on('error', answered);
  };
  const stream = new Writable({
    write(chunk, encoding, callback) { open(); request.write(chunk, callback); },
    final(callback) { open(); request.end(callback); },
  });
  stream.setContentType = (t) => { type = t; };
  stream.prelude = (text) => { open(); request.write(text); };
  stream.finished = async (error) => {
    if (error) {
      if (!request) return false;
      const fault = faultOf(error);
      request.addTrailers({ 'Lambda-Runtime-Function-Error-Type': fault.errorType, 'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(fault)).toString('base64') });
      request.end();
    } else if (!stream.writableEnded) {
      stream.end();
    }
    await done;
    return true;
  };
  return stream;
}

// Calls the handler and returns its result as bytes; or throws.
function call(handler, event, context) {
  return new Promise((resolve, reject) => {
    let settled = false;
    const idle = () => {
      if (promised) settle(null, undefined, new RuntimeError('Runtime.NodeJsExit', 'The Lambda function exited before its promise was settled: nothing is left that could settle it'));
      else settle(null, undefined);
    };
    const settle = (error, value, fatal) => {
      if (settled) return;
      settled = true;
      process.removeListener('beforeExit', idle);
      if (fatal) reject(fatal);
      else if (error !== null && error !== undefined) reject(error);
      else resolve(value);
    };
    let promised = false;
    context.callbackWaitsForEmptyEventLoop = true;
    const callback = (error, value) => {
      if (context.callbackWaitsForEmptyEventLoop === false) {
        settle(error, value);
      } else {
        process.removeListener('beforeExit', idle);
        process.once('beforeExit', () => settle(error, value));
      }
    };
    context.done = callback;
    context.succeed = (value) => callback(null, value);
    context.fail = (error) => callback(error === undefined || error === null ? 'handled' : error);
    process.once('beforeExit', idle);
    let returned;
    try {
      returned = handler(event, context, callback);
    } catch (error) {
      settle(error === undefined || error === null ? new Error(String(error)) : error);
      return;
    }
    if (returned && typeof returned.then === 'function') {
      promised = true;
      returned.then((value) => settle(null, value), (error) => settle(error === undefined || error === null ? new Error(String(error)) : error));
    }
  });
}

function contextOf(fields) {
  const deadline = Number(fields['lambda-runtime-deadline-ms'] || 0);
  return {
    awsRequestId: fields['lambda-runtime-aws-request-id'],
    invokedFunctionArn: fields['lambda-runtime-invoked-function-arn'],
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    identity: fields['lambda-runtime-cognito-identity'] ? JSON.parse(fields['lambda-runtime-cognito-identity']) : undefined,
    clientContext: fields['lambda-runtime-client-context'] ? JSON.parse(fields['lambda-runtime-client-context']) : undefined,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

let failing = null; // fails the invocation under way

async function fail(id, error) {
  printFault('Invoke Error', error);
  const fault = faultOf(error);
  await connection.exchange('POST', `invocation/${id}/error`, Buffer.from(JSON.stringify(fault)), `Lambda-Runtime-Function-Error-Type: ${String(fault.errorType).replace(/[^\x20-\x7e]/g, '?')}\r\n`);
}

async function serve(handler) {
  for (;;) {
    const { status, fields, body } = await connection.exchange('GET', 'invocation/next');
    if (status !== 200) process.exit(0);
    requestId = fields['lambda-runtime-aws-request-id'];
    const id = requestId;
    if (fields['lambda-runtime-trace-id']) env._X_AMZN_TRACE_ID = fields['lambda-runtime-trace-id'];
    const context = contextOf(fields);
    const crashed = new Promise((resolve, reject) => { failing = reject; });
    crashed.catch(() => {});
    try {
      const event = JSON.parse(body.toString('utf8'));
      if (handler[streaming]) {
        const stream = responseStream(id);
        try {
          await Promise.race([handler(event, stream, context), crashed]);
          await stream.finished();
        } catch (error) {
          if (!await stream.finished(error)) throw error;
          printFault('Invoke Error', error);
        }
        continue;
      }
      const value = await Promise.race([call(handler, event, context), crashed]);
      let text;
      try {
        text = JSON.stringify(value === undefined ? null : value);
        if (text === undefined) text = 'null';
      } catch (error) {
        throw new RuntimeError('Runtime.MarshalError', 'Unable to stringify response body', error);
      }
      failing = null;
      const answer = await connection.exchange('POST', `invocation/${id}/response`, Buffer.from(text));
      if (answer.status === 413) print('ERROR', answer.body.toString('utf8'));
    } catch (error) {
      failing = null;
      await fail(id, error);
      if (error instanceof RuntimeError && error.name === 'Runtime.NodeJsExit' || error && error.fatal) process.exit(128);
    }
  }
}

function uncaught(error) {
  if (!failing) {
    printFault('Uncaught Exception', error);
    process.exit(129);
  }
  if (error && typeof error === 'object') Object.defineProperty(error, 'fatal', { value: true, configurable: true });
  const reject = failing;
  failing = null;
  reject(error);
}

patchConsole();
patchOldSDK();
process.on('uncaughtException', uncaught);
process.on('unhandledRejection', (reason, promise) => {
  const error = new RuntimeError('Runtime.UnhandledPromiseRejection', String(reason && reason.message ? `${reason.name || 'Error'}: ${reason.message}` : reason), reason);
  error.reason = reason;
  uncaught(error);
});
load().then(serve, initFailed);
