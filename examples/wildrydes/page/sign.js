// Signature Version 4 with the browser's own cryptography, and the two APIs that the page calls.

const bytes = new TextEncoder();

const hex = (buffer) => [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2, '0')).join('');

const sha256 = async (text) => hex(await crypto.subtle.digest('SHA-256', bytes.encode(text)));

async function hmac(key, text) {
  const k = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return crypto.subtle.sign('HMAC', k, bytes.encode(text));
}

// signed returns the headers of a signed POST to the root of a URL.
async function signed({ url, service, region, headers, body, credentials, now = new Date() }) {
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const all = { ...headers, host: url.host, 'x-amz-date': time, 'x-amz-security-token': credentials.sessionToken };
  const names = Object.keys(all).sort();
  const canonical = ['POST', '/', '', ...names.map((n) => `${n}:${all[n]}`), '', names.join(';'), await sha256(body)].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, scope, await sha256(canonical)].join('\n');
  let key = bytes.encode(`AWS4${credentials.secretKey}`);
  for (const part of [day, region, service, 'aws4_request']) {
    key = await hmac(key, part);
  }
  delete all.host; // the browser's
  all.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${hex(await hmac(key, text))}`;
  return all;
}

async function post(url, headers, body) {
  const response = await fetch(url, { method: 'POST', headers, body });
  const answer = await response.json();
  if (!response.ok) {
    const type = (answer.__type || '').split('#').pop();
    const error = new Error(`${type}: ${answer.message || answer.Message || response.status}`);
    error.type = type;
    throw error;
  }
  return answer;
}

// Identity is an identity of a pool that nobody has signed in to, and its credentials.
export class Identity {
  constructor({ endpoint, region, poolId }) {
    this.url = new URL(endpoint || `https://cognito-identity.${region}.amazonaws.com`);
    this.poolId = poolId;
  }

  call(operation, input) {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `AWSCognitoIdentityService.${operation}` };
    return post(this.url, headers, JSON.stringify(input));
  }

  // credentials are good for a minute more at least.
  async credentials() {
    if (this.current && this.current.expires > Date.now() + 60_000) {
      return this.current;
    }
    this.id ||= (await this.call('GetId', { IdentityPoolId: this.poolId })).IdentityId;
    const { Credentials: c } = await this.call('GetCredentialsForIdentity', { IdentityId: this.id });
    this.current = { accessKeyId: c.AccessKeyId, secretKey: c.SecretKey, sessionToken: c.SessionToken, expires: c.Expiration * 1000 };
    return this.current;
  }
}

// Kinesis calls Kinesis with an identity's credentials.
export class Kinesis {
  constructor({ endpoint, region, identity }) {
    this.url = new URL(endpoint || `https://kinesis.${region}.amazonaws.com`);
    this.region = region;
    this.identity = identity;
  }

  async call(operation, input) {
    const body = JSON.stringify(input);
    const headers = await signed({
      url: this.url, service: 'kinesis', region: this.region, body, credentials: await this.identity.credentials(),
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `Kinesis_20131202.${operation}` },
    });
    return post(this.url, headers, body);
  }
}
