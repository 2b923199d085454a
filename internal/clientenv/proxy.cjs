// Makes HTTPS connections of Node.js go through HTTPS_PROXY, for versions that do not read it themselves. Live tails go to the
// endpoint's host with a prefix, which names nothing where that is an address: they go to the endpoint.
'use strict';
const https = require('https');
const http = require('http');
const tls = require('tls');

const address = process.env.HTTPS_PROXY || process.env.https_proxy;
const direct = (process.env.NO_PROXY || process.env.no_proxy || '').split(',').map((s) => s.trim().toLowerCase()).filter(Boolean);

function isDirect(host) {
  host = String(host || 'localhost').toLowerCase();
  return direct.some((name) => host === name || (name.startsWith('.') && host.endsWith(name)));
}

function connect(agentDefault, options, done) {
  const host = options.servername || options.host;
  if (isDirect(options.host)) return agentDefault.call(this, options, done);
  const proxy = new URL(address);
  const headers = { host: options.host + ':' + (options.port || 443) };
  if (proxy.username) {
    const pair = decodeURIComponent(proxy.username) + ':' + decodeURIComponent(proxy.password);
    headers['proxy-authorization'] = 'Basic ' + Buffer.from(pair).toString('base64');
  }
  const request = (proxy.protocol === 'https:' ? https : http).request({
    host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: headers.host, headers, agent: false,
  });
  request.once('connect', (response, socket) => {
    if (response.statusCode !== 200) {
      socket.destroy();
      done(new Error('the proxy ' + proxy.host + ' does not lead to ' + headers.host + ': ' + response.statusCode + ' ' + response.statusMessage));
      return;
    }
    const secure = tls.connect({ ...options, socket, host: undefined, port: undefined, path: undefined, servername: host });
    const failed = (error) => done(error);
    secure.once('error', failed);
    secure.once('secureConnect', () => {
      secure.removeListener('error', failed);
      done(null, secure);
    });
  });
  request.once('error', done);
  request.end();
}

if (address && !https.Agent.prototype.brookmereProxy) {
  const agentDefault = https.Agent.prototype.createConnection;
  https.Agent.prototype.brookmereProxy = true;
  https.Agent.prototype.createConnection = function (options, done) {
    return connect.call(this, agentDefault, options, done);
  };
  const plainDefault = http.Agent.prototype.createConnection;
  http.Agent.prototype.createConnection = function (options, done) {
    const [prefixed, host] = /^stream(?:ing)?-(.+)$/.exec(options.host || '') || [];
    if (prefixed && isDirect(host)) options = { ...options, host };
    return plainDefault.call(this, options, done);
  };
}
