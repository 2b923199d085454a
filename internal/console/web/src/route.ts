// Where in the console one is: the fragment of the address, #/page/name.
import { signal } from "@preact/signals";

/** decoded is a part of an address; as it stands where it is none. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function read(): string[] {
  const parts = location.hash.replace(/^#\/?/, "").split("/").map(decoded).filter(Boolean);
  return parts.length ? parts : ["pipeline"];
}

export const route = signal<string[]>(read());

addEventListener("hashchange", () => (route.value = read()));

export function to(...parts: string[]): string {
  return "#/" + parts.map(encodeURIComponent).join("/");
}

export function go(...parts: string[]) {
  location.hash = to(...parts);
}
