// Pages that are loaded when they are opened first, so that the first page comes sooner.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Loading, Problem } from "./ui.tsx";

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let have: ComponentType<P> | undefined;
  return function Lazy(p: P) {
    const [, show] = useState(0);
    const [error, setError] = useState<Error>();
    const Page = have;
    useEffect(() => {
      // What was drawn counts: another of its kind may have loaded the page between that and now.
      if (!Page) load().then((c) => ((have = c), show(1)), setError);
    }, []);
    return Page ? <Page {...p} /> : error ? <Problem error={error} /> : <Loading />;
  };
}
