// Where in the console one is: the fragment of the address, #/page/name.
import { signal } from "@preact/signals";

function read(): string[] {
  const parts = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent).filter(Boolean);
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
