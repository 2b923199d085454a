// Asking again and again, but only while somebody looks.
import { signal, type Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

export interface Live<T> {
  value: T | undefined;
  error: Error | undefined;
}

/**
 * every calls f now and then each ms, the next time after the last has ended. It waits while the
 * tab is hidden, but for the first call: a page that is opened behind others loads too. The function
 * that it returns ends it.
 */
export function every(ms: number, f: () => Promise<void>): () => void {
  let ended = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false, first = true;
  const run = async () => {
    if (ended || busy) return;
    if (document.hidden && !first) return; // visible starts it again
    busy = true;
    first = false;
    try {
      await f();
    } catch (e) {
      console.error(e); // the next turn may go well
    } finally {
      busy = false;
    }
    if (!ended) timer = setTimeout(run, ms);
  };
  const visible = () => {
    if (document.hidden) return;
    clearTimeout(timer);
    void run();
  };
  document.addEventListener("visibilitychange", visible);
  void run();
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", visible);
  };
}

/** useLive keeps what f answers, asked again each ms (0: once), as long as the component is there. */
export function useLive<T>(f: () => Promise<T>, ms: number, on: unknown[]): Live<T> & { again: () => void } {
  const state: Signal<Live<T>> = useMemo(() => signal({ value: undefined, error: undefined }), on);
  const ask = async () => {
    try {
      const value = await f();
      state.value = { value, error: undefined };
    } catch (e) {
      state.value = { value: state.peek().value, error: e as Error };
    }
  };
  useEffect(() => {
    if (ms > 0) return every(ms, ask);
    void ask();
    return undefined;
  }, [state]);
  return { ...state.value, again: () => void ask() };
}
