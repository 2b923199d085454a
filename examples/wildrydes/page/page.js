// The map: it reads the stream in the browser, and draws what it reads.

import { Identity, Kinesis } from './sign.js';

const trailLength = 120; // positions
const goneAfter = 30_000; // milliseconds without a reading
const status = document.getElementById('status');
const canvas = document.getElementById('map');
const unicorns = new Map();

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function say(text, failed = false) {
  status.textContent = text;
  status.classList.toggle('failed', failed);
}

// follow hands the records that come into a stream to see.
async function follow(kinesis, stream, see) {
  const { StreamDescription: description } = await kinesis.call('DescribeStream', { StreamName: stream });
  let iterators = await Promise.all(description.Shards.map(async (shard) => {
    const out = await kinesis.call('GetShardIterator', { StreamName: stream, ShardId: shard.ShardId, ShardIteratorType: 'LATEST' });
    return out.ShardIterator;
  }));
  while (iterators.length > 0) {
    iterators = (await Promise.all(iterators.map(async (iterator) => {
      const out = await kinesis.call('GetRecords', { ShardIterator: iterator });
      for (const record of out.Records) {
        see(new TextDecoder().decode(Uint8Array.from(atob(record.Data), (c) => c.charCodeAt(0))));
      }
      return out.NextShardIterator;
    }))).filter(Boolean);
    say(`Reading ${stream} as ${kinesis.identity.id}`);
    await sleep(1000);
  }
  throw new Error('the stream has ended');
}

// see takes a record: one or more readings.
function see(text) {
  for (const line of text.split('\n').filter((l) => l.trim())) {
    const reading = JSON.parse(line);
    let u = unicorns.get(reading.Name);
    if (!u) {
      u = { name: reading.Name, trail: [], hue: hueOf(reading.Name) };
      unicorns.set(reading.Name, u);
    }
    const time = Date.parse(`${reading.StatusTime.replace(' ', 'T')}Z`);
    const before = u.reading && u.time;
    u.speed = before && time > before ? (reading.Distance / (time - before)) * 3600 : reading.Distance * 3.6;
    Object.assign(u, { reading, time, seen: Date.now() });
    u.trail.push([reading.Longitude, reading.Latitude]);
    if (u.trail.length > trailLength) {
      u.trail.shift();
    }
  }
}

// hueOf is the colour of a name: the same on every page.
function hueOf(name) {
  let h = 7;
  for (const c of name) {
    h = (h * 31 + c.codePointAt(0)) % 360;
  }
  return (h * 137) % 360;
}

// view is the part of the world that is drawn. It follows the fleet slowly.
let view = null;

function frame(width, height) {
  const all = [...unicorns.values()].flatMap((u) => u.trail);
  const lon = all.map((p) => p[0]);
  const lat = all.map((p) => p[1]);
  const middle = [(Math.min(...lon) + Math.max(...lon)) / 2, (Math.min(...lat) + Math.max(...lat)) / 2];
  const squeeze = Math.cos((middle[1] * Math.PI) / 180);
  const degrees = Math.max((Math.max(...lat) - Math.min(...lat)) / height, ((Math.max(...lon) - Math.min(...lon)) * squeeze) / width, 0.02 / height) * 1.35;
  const want = { lon: middle[0], lat: middle[1], degrees };
  if (!view) {
    view = want;
  }
  for (const k of Object.keys(want)) {
    view[k] += (want[k] - view[k]) * 0.05;
  }
  return ([x, y]) => [width / 2 + ((x - view.lon) * squeeze) / view.degrees, height / 2 - (y - view.lat) / view.degrees];
}

function draw() {
  requestAnimationFrame(draw);
  for (const [name, u] of unicorns) {
    if (Date.now() - u.seen > goneAfter) {
      unicorns.delete(name);
    }
  }
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const c = canvas.getContext('2d');
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, height);
  if (unicorns.size === 0) {
    return;
  }
  const place = frame(width, height);
  const style = getComputedStyle(document.documentElement);
  drawGrid(c, width, height, place, style);
  for (const u of unicorns.values()) {
    drawUnicorn(c, u, place, style.getPropertyValue('--ink'));
  }
}

// drawGrid draws meridians and parallels at round degrees.
function drawGrid(c, width, height, place, style) {
  const step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10].find((s) => s / view.degrees > 90) || 20;
  const digits = Math.max(0, Math.ceil(-Math.log10(step)));
  c.strokeStyle = style.getPropertyValue('--line');
  c.fillStyle = style.getPropertyValue('--quiet');
  c.font = '11px system-ui, sans-serif';
  c.lineWidth = 1;
  c.beginPath();
  const squeeze = Math.cos((view.lat * Math.PI) / 180);
  for (let x = Math.floor((view.lon - (width * view.degrees) / squeeze) / step) * step; ; x += step) {
    const [px] = place([x, view.lat]);
    if (px > width) break;
    if (px < 0) continue;
    c.moveTo(px, 0);
    c.lineTo(px, height);
    c.fillText(`${Math.abs(x).toFixed(digits)}° ${x < 0 ? 'W' : 'E'}`, px + 4, height - 6);
  }
  for (let y = Math.floor((view.lat - height * view.degrees) / step) * step; ; y += step) {
    const [, py] = place([view.lon, y]);
    if (py < 0) break;
    if (py > height) continue;
    c.moveTo(0, py);
    c.lineTo(width, py);
    c.fillText(`${Math.abs(y).toFixed(digits)}° ${y < 0 ? 'S' : 'N'}`, 6, py - 4);
  }
  c.stroke();
}

function drawUnicorn(c, u, place, ink) {
  const points = u.trail.map(place);
  for (let i = 1; i < points.length; i++) {
    c.strokeStyle = `hsl(${u.hue} 65% 50% / ${i / points.length})`;
    c.lineWidth = 2.5;
    c.beginPath();
    c.moveTo(...points[i - 1]);
    c.lineTo(...points[i]);
    c.stroke();
  }
  const [x, y] = points[points.length - 1];
  c.fillStyle = `hsl(${u.hue} 65% 50%)`;
  c.beginPath();
  c.arc(x, y, 7, 0, 2 * Math.PI);
  c.fill();
  c.strokeStyle = '#fff';
  c.lineWidth = 2;
  c.stroke();
  c.fillStyle = ink;
  c.font = '600 13px system-ui, sans-serif';
  c.fillText(u.name, x + 11, y + 4);
}

function drawTable() {
  const body = document.getElementById('fleet');
  const rows = [...unicorns.values()].sort((a, b) => a.name.localeCompare(b.name)).map((u) => {
    const row = document.createElement('tr');
    const cell = (text, className) => {
      const td = document.createElement('td');
      td.textContent = text;
      if (className) td.className = className;
      row.append(td);
      return td;
    };
    const name = cell('');
    const dot = document.createElement('span');
    dot.className = 'dot';
    dot.style.background = `hsl(${u.hue} 65% 50%)`;
    name.append(dot, u.name);
    cell(`${u.speed.toFixed(0)} km/h`);
    cell(u.reading.HealthPoints, u.reading.HealthPoints < 100 ? 'low' : '');
    cell(u.reading.MagicPoints, u.reading.MagicPoints < 100 ? 'low' : '');
    cell(`${Math.max(0, Math.round((Date.now() - u.seen) / 1000))} s`);
    return row;
  });
  body.replaceChildren(...rows);
  document.getElementById('nobody').hidden = rows.length > 0;
}

async function run() {
  const settings = await (await fetch('settings.json')).json();
  const identity = new Identity(settings);
  const kinesis = new Kinesis({ ...settings, identity });
  for (;;) {
    try {
      await follow(kinesis, settings.stream, see);
    } catch (error) {
      say(`${error.message}. Trying again.`, true);
      if (error.type === 'ExpiredTokenException') {
        identity.current = undefined;
      }
      await sleep(2000);
    }
  }
}

requestAnimationFrame(draw);
setInterval(drawTable, 500);
run().catch((error) => say(error.message, true));
