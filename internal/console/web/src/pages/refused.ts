// Error objects of Firehose: a line of JSON for each record that failed.

interface Refused { attemptsMade?: number; arrivalTimestamp?: number; errorCode?: string; errorMessage?: string; rawData?: string; lastErrorCode?: string; lastErrorMessage?: string }

/** refusedOf reads the records of an error object, with their reasons. */
export function refusedOf(text: string): { at?: Date; code: string; message: string; data: string; /** raw is the record in base64; empty where it is not told */ raw: string }[] {
  return text.split("\n").filter((l) => l.trim()).map((l) => {
    try {
      const r = JSON.parse(l) as Refused;
      let data = r.rawData ?? "";
      try {
        data = new TextDecoder().decode(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)));
      } catch {
        // It is shown as it is.
      }
      return { at: r.arrivalTimestamp ? new Date(r.arrivalTimestamp) : undefined, code: r.lastErrorCode ?? r.errorCode ?? "", message: r.lastErrorMessage ?? r.errorMessage ?? "", data, raw: r.rawData ?? "" };
    } catch {
      return { code: "", message: "", data: l, raw: "" };
    }
  });
}
