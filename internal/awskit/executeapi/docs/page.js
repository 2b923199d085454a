'use strict';

// Shows what an API's description says, and sends requests to the API. Everything that comes from the description or
// from an answer is put in as text.

const verbs = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'];
const any = 'x-amazon-apigateway-any-method';
const find = (id) => document.getElementById(id);

function add(parent, tag, text, attributes) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  Object.assign(e, attributes);
  parent.append(e);
  return e;
}

function input(parent, tag, name, attributes) {
  return add(add(parent, 'label', name), tag, undefined, { spellcheck: false, ...attributes });
}

const list = (x) => (Array.isArray(x) ? x : []);
const object = (x) => (x && typeof x === 'object' && !Array.isArray(x) ? x : {});

// example makes a value of a schema, not deeper than it is useful.
function example(schema, schemas, depth) {
  schema = object(schema);
  if (depth > 6) return null;
  if (typeof schema.$ref === 'string') return example(schemas[schema.$ref.split('/').pop()], schemas, depth + 1);
  if (schema.example !== undefined) return schema.example;
  if (list(schema.enum).length) return schema.enum[0];
  if (schema.properties) {
    return Object.fromEntries(Object.entries(object(schema.properties)).slice(0, 50).map(([k, v]) => [k, example(v, schemas, depth + 1)]));
  }
  switch (schema.type) {
    case 'array': return [example(schema.items, schemas, depth + 1)];
    case 'integer': case 'number': return 0;
    case 'boolean': return false;
    case 'object': return {};
    default: return '';
  }
}

// target is the URL of a path with its parameters. It does not leave the API: dots of its own would.
function target(base, path, values) {
  let greedy;
  const filled = path.replace(/\{([^{}]*)\}/g, (_, name) => {
    greedy = name.endsWith('+');
    const value = values[greedy ? name.slice(0, -1) : name] || '';
    return greedy ? value.split('/').map(encodeURIComponent).join('/') : encodeURIComponent(value);
  });
  const url = new URL(base + filled, location.origin);
  if (url.origin !== location.origin || !(url.pathname + '/').startsWith(base + '/')) throw new Error('The path leads out of the API.');
  return url;
}

function operation(spec, path, verb, op, shared) {
  op = object(op);
  const schemas = object(object(spec.components).schemas);
  const box = add(find('operations'), 'details');
  const head = add(box, 'summary');
  add(head, 'b', verb === any ? 'ANY' : verb.toUpperCase());
  add(head, 'code', path);
  if (op.summary) add(head, 'span', ' ' + op.summary);
  if (op.description) add(box, 'p', op.description);
  const method = verb === any ? input(box, 'input', 'Method', { value: 'GET' }) : { value: verb.toUpperCase() };

  const fields = new Map();
  const field = (p) => {
    p = object(p);
    if (typeof p.name !== 'string' || !['path', 'query', 'header'].includes(p.in)) return;
    const key = p.in + ' ' + p.name;
    if (!fields.has(key)) fields.set(key, { in: p.in, name: p.name, element: input(box, 'input', `${p.name} (${p.in}${p.required ? ', required' : ''})`) });
  };
  for (const m of path.matchAll(/\{([^{}+]*)\+?\}/g)) field({ in: 'path', name: m[1], required: true });
  for (const p of [...list(shared), ...list(op.parameters)]) field(p);
  const query = input(box, 'input', 'More of the query string', { placeholder: 'name=value&name=value' });
  let body, type;
  if (!['get', 'head', 'options'].includes(verb)) {
    const content = object(object(op.requestBody).content);
    const kind = Object.keys(content)[0] || 'application/json';
    type = input(box, 'input', 'Content-Type', { value: kind });
    const schema = object(content[kind]).schema;
    body = input(box, 'textarea', 'Body', { rows: 6, value: schema ? JSON.stringify(example(schema, schemas, 0), null, 2) : '' });
  }
  const button = add(box, 'button', 'Send', { type: 'button' });
  const answer = add(box, 'pre', '', { hidden: true });
  button.addEventListener('click', async () => {
    button.disabled = true;
    answer.hidden = false;
    answer.textContent = '…';
    try {
      const values = {};
      const headers = new Headers();
      for (const line of find('headers').value.split('\n')) {
        const i = line.indexOf(':');
        if (i > 0) headers.set(line.slice(0, i).trim(), line.slice(i + 1).trim());
      }
      for (const f of fields.values()) if (f.in === 'path') values[f.name] = f.element.value;
      const url = target(spec.base, path, values);
      url.search = query.value;
      for (const f of fields.values()) {
        if (f.in === 'query' && f.element.value !== '') url.searchParams.append(f.name, f.element.value);
        if (f.in === 'header' && f.element.value !== '') headers.set(f.name, f.element.value);
      }
      if (type && body.value !== '' && type.value !== '') headers.set('Content-Type', type.value);
      const began = performance.now();
      const got = await fetch(url, { method: method.value, headers, body: body && body.value !== '' ? body.value : undefined, credentials: 'omit', redirect: 'manual' });
      const text = await got.text();
      const took = Math.round(performance.now() - began);
      const lines = [...got.headers].map(([k, v]) => `${k}: ${v}`);
      answer.textContent = `${got.type === 'opaqueredirect' ? 'A redirection, which is not followed.' : got.status + ' ' + got.statusText} (${took} ms)\n${lines.join('\n')}\n\n${text.slice(0, 1 << 20)}`;
    } catch (err) {
      answer.textContent = String(err);
    }
    button.disabled = false;
  });
}

async function show() {
  const got = await fetch('docs/openapi.json');
  if (!got.ok) throw new Error(await got.text());
  const spec = await got.json();
  const info = object(spec.info);
  document.title = find('title').textContent = String(info.title || 'API');
  find('about').textContent = String(info.description || '');
  spec.base = String(object(list(spec.servers)[0]).url).replace(/\/$/, '');
  find('base').append('Served at ');
  add(find('base'), 'code', location.origin + spec.base);
  find('base').append(', described by ');
  add(find('base'), 'a', 'openapi.json', { href: 'docs/openapi.json' });
  const paths = object(spec.paths);
  for (const path of Object.keys(paths).sort()) {
    const item = object(paths[path]);
    for (const verb of [...verbs, any]) if (item[verb]) operation(spec, path, verb, item[verb], item.parameters);
  }
  const schemas = object(object(spec.components).schemas);
  for (const name of Object.keys(schemas).sort()) {
    find('modelsTitle').hidden = false;
    const box = add(find('models'), 'details');
    add(box, 'summary', name);
    add(box, 'pre', JSON.stringify(schemas[name], null, 2));
  }
}

show().catch((err) => { find('problem').textContent = String(err); });
