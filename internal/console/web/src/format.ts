// Numbers, sizes, times and texts as the console writes them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(n: number): string {
  return whole.format(n);
}

/** rate is a number a second, with as many digits as mean something. */
export function rate(n: number): string {
  if (!isFinite(n) || n <= 0) return "0";
  if (n >= 10) return whole.format(n);
  return n >= 1 ? n.toFixed(1) : n.toFixed(2);
}

const units = ["B", "KB", "MB", "GB", "TB"];

export function bytes(n: number): string {
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return (i === 0 || n >= 100 ? n.toFixed(0) : n.toFixed(1)) + " " + units[i];
}

/** span is a duration, in the unit that fits. */
export function span(seconds: number): string {
  if (seconds < 0.0005) return "0 ms";
  if (seconds < 1) return (seconds * 1000).toFixed(0) + " ms";
  if (seconds < 60) return (seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0)) + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min " + Math.floor(seconds % 60) + " s";
  if (seconds < 86400) return Math.floor(seconds / 3600) + " h " + Math.floor((seconds % 3600) / 60) + " min";
  return Math.floor(seconds / 86400) + " d " + Math.floor((seconds % 86400) / 3600) + " h";
}

const two = (n: number) => String(n).padStart(2, "0");

/** clock is the time of a day to the millisecond. */
export function clock(d: Date): string {
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}.${String(d.getMilliseconds()).padStart(3, "0")}`;
}

/** moment is a time, with its day where that is not today. */
export function moment(d: Date, now = new Date()): string {
  const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  return d.toDateString() === now.toDateString() ? time : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${time}`;
}

/** some is a number with its noun: "1 shard", "2 shards". */
export function some(n: number, noun: string, many = noun + "s"): string {
  return count(n) + " " + (n === 1 ? noun : many);
}

/** quoted is an argument as a shell takes it. */
export function quoted(s: string): string {
  return /^[\w./:=@%+,-]+$/.test(s) ? s : "'" + s.replace(/'/g, "'\\''") + "'";
}

/** base64 of bytes, of any number. */
export function base64(data: Uint8Array): string {
  let s = "";
  for (let i = 0; i < data.length; i += 8192) s += String.fromCharCode(...data.subarray(i, i + 8192));
  return btoa(s);
}

/** csv writes rows as RFC 4180 has them. */
export function csv(rows: (string | null | undefined)[][]): string {
  return rows.map((r) => r.map((c) => (c == null ? "" : /[",\r\n]/.test(c) ? '"' + c.replace(/"/g, '""') + '"' : c)).join(",")).join("\r\n") + "\r\n";
}

/** shortNumber is a number with at most four digits that mean something: 1.25k, 3.4M. */
export function shortNumber(n: number): string {
  if (!isFinite(n)) return "";
  const a = Math.abs(n);
  if (a !== 0 && a < 0.001) return n.toExponential(1);
  if (a < 10_000) return String(Number(n.toPrecision(a < 1 ? 3 : 4)));
  for (const [limit, unit] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]] as const) if (a >= limit) return Number((n / limit).toPrecision(3)) + unit;
  return String(n);
}

/** marked is a text with marks for the characters that are not seen and change how others are: controls, and those of the direction of writing. Not those of emoji, and the one that logs colour with. */
export function marked(s: string): string {
  return s.replace(/[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, (c) => `\u27e8U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`);
}
