// Error objects of Firehose: a line of JSON for each record that failed.

interface Line { arrivalTimestamp?: number; errorCode?: string; errorMessage?: string; rawData?: string; lastErrorCode?: string; lastErrorMessage?: string }

/** Refused is a record that failed; raw is itself in base64, empty where that is not told. */
export interface Refused { at?: Date; code: string; message: string; data: string; raw: string }

/** refusedOf reads the records of an error object, with their reasons. */
export function refusedOf(text: string): Refused[] {
  return text.split("\n").filter((l) => l.trim()).map((l) => {
    try {
      const r = JSON.parse(l) as Line, code = r.lastErrorCode ?? r.errorCode;
      if (typeof code !== "string" || typeof r.rawData !== "string") return { code: "", message: "", data: l, raw: "" };
      const bytes = Uint8Array.from(atob(r.rawData), (c) => c.charCodeAt(0));
      return { at: typeof r.arrivalTimestamp === "number" ? new Date(r.arrivalTimestamp) : undefined, code, message: String(r.lastErrorMessage ?? r.errorMessage ?? ""), data: new TextDecoder().decode(bytes), raw: r.rawData };
    } catch {
      return { code: "", message: "", data: l, raw: "" };
    }
  });
}

const longest = 64 << 20; // of what is packed

/** unpacked is the text of an error object, which is packed by gzip where the data are. */
export async function unpacked(data: Uint8Array): Promise<string> {
  if (data[0] !== 0x1f || data[1] !== 0x8b) return new TextDecoder().decode(data);
  const reader = new Blob([data as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip")).pipeThrough(new TextDecoderStream()).getReader();
  let out = "";
  for (let r = await reader.read(); !r.done; r = await reader.read()) if ((out += r.value).length > longest) throw new Error("The error object holds more than is read here.");
  return out;
}

/** redrivable reports whether every record of an error object is known, so that the object may go when they are put again. */
export function redrivable(records: Refused[]): boolean {
  return records.length > 0 && records.every((r) => r.raw);
}

/** writtenBy reports whether a key is that of an object that a delivery stream has written below a prefix: its name, its version, a time, and what makes it unique. */
export function writtenBy(delivery: string, prefix: string, key: string): boolean {
  const name = key.slice(key.lastIndexOf("/") + 1);
  const at = prefix.includes("!{") && !prefix.endsWith("/") ? name.indexOf(delivery + "-") : name.startsWith(delivery + "-") ? 0 : -1; // what an expression ends in comes first
  return at >= 0 && /^\d+-\d{4}(-\d\d){5}-/.test(name.slice(at + delivery.length + 1));
}
