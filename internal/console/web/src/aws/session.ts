// Who asks: credentials, account and region. Keys stay in this tab.
import { signal } from "@preact/signals";
import type { Keys } from "./sigv4.ts";

export interface NodeInfo {
  version: string;
  open: boolean;
  account?: string;
  region?: string;
  services: string[];
  /** remote says that what serves the page signs its requests, as one account. */
  remote?: boolean;
}

export const node = signal<NodeInfo | null>(null);
export const keys = signal<Keys | null>(null);
/** candidate is who signs while it is found out whether the node knows the keys. */
export const candidate = signal<Keys | null>(null);
export const account = signal("");
export const region = signal(remembered("region") ?? "us-east-1");
/** ended says that the keys are good no more: their session is over, or they were deleted. */
export const ended = signal(false);
/** connected is false while the node does not answer. */
export const connected = signal(true);

export function remembered(name: string): string | null {
  try {
    return localStorage.getItem("brookmere." + name);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string) {
  try {
    localStorage.setItem("brookmere." + name, value);
  } catch {
    // A browser that keeps nothing forgets it with the tab.
  }
}

/** begin reads from the page what its node is, and takes test credentials where that is open. */
export function begin() {
  const info = JSON.parse(document.querySelector<HTMLMetaElement>("meta[name=node]")!.content) as NodeInfo;
  node.value = info;
  if (info.region && !remembered("region")) region.value = info.region;
  if (info.remote) return actAs(info.account ?? "", false);
  if (info.open) return actAs(remembered("account") ?? info.account ?? "000000000000");
  const kept = sessionStorage.getItem("brookmere.keys");
  if (kept) keys.value = JSON.parse(kept) as Keys;
}

/** actAs takes an account of an open node: its id is an access key there. */
export function actAs(id: string, keep = true) {
  account.value = id;
  keys.value = { id, secret: "test" };
  if (keep) remember("account", id);
}

export function signIn(k: Keys) {
  sessionStorage.setItem("brookmere.keys", JSON.stringify(k));
  keys.value = k;
}

export function signOut() {
  sessionStorage.removeItem("brookmere.keys");
  keys.value = null;
  account.value = "";
  ended.value = false;
}

export function setRegion(name: string) {
  region.value = name;
  remember("region", name);
}
