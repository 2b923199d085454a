// Pages that are loaded when they are opened first, so that the first page comes sooner.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { remember, remembered } from "../aws/session.ts";
import { Loading, Problem } from "./ui.tsx";

/**
 * loaded is a part of the program. One that does not come is of a node that has gone, or has been of another version since:
 * the page is loaded again when the node answers, unless it just was.
 */
export async function loaded<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (e) {
    if (Date.now() - Number(remembered("loaded") ?? 0) < 10_000) throw e;
    while (!(await fetch(location.pathname, { method: "HEAD", cache: "no-store" }).then((r) => r.ok, () => false))) await new Promise((go) => setTimeout(go, 500));
    remember("loaded", String(Date.now()));
    location.reload();
    return new Promise(() => undefined);
  }
}

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let have: ComponentType<P> | undefined;
  return function Lazy(p: P) {
    const [, show] = useState(0);
    const [error, setError] = useState<Error>();
    const Page = have;
    useEffect(() => {
      // What was drawn counts: another of its kind may have loaded the page between that and now.
      if (!Page) loaded(load).then((c) => ((have = c), show(1)), setError);
    }, []);
    return Page ? <Page {...p} /> : error ? <Problem error={error} /> : <Loading />;
  };
}
