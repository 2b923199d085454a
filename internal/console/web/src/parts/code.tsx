// An editor of SQL in a page: the one of the SQL page, loaded when it is needed first.
import { useEffect, useRef } from "preact/hooks";
import type { Editor } from "../editor/editor.ts";
import { loaded } from "./lazy.tsx";

export function Code(p: { text: string; changed: (text: string) => void; run: () => void; label: string }) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const last = useRef(p);
  last.current = p;
  useEffect(() => {
    let gone = false;
    void loaded(() => import("../editor/editor.ts")).then(({ makeEditor }) => {
      if (gone || !host.current) return;
      editor.current = makeEditor(host.current, { text: last.current.text, run: () => last.current.run(), changed: (text) => last.current.changed(text), label: p.label });
    });
    return () => {
      gone = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, []);
  useEffect(() => {
    if (editor.current && editor.current.text() !== p.text) editor.current.setText(p.text);
  }, [p.text]);
  return <div class="code" ref={host} />;
}
