// The SQL editor. It lives in a shadow root, whose styles are objects and not elements: the page's
// policy allows no styles in elements.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type Completion } from "@codemirror/autocomplete";
import { copyLineDown, deleteLine, history, historyKeymap, indentLess, indentMore, moveLineDown, moveLineUp, standardKeymap, toggleComment } from "@codemirror/commands";
import { Compartment, EditorState, Prec, type Range } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, keymap, lineNumbers, placeholder, ViewPlugin, type DecorationSet } from "@codemirror/view";
import { completer, type Schema, type SQLFunction } from "./sql.ts";
import { quoting, wordAt, wordsOf } from "./words.ts";

export type { Schema, SQLFunction };

export interface Editor {
  text(): string;
  setText(s: string): void;
  /** toRun is the selection, or all. */
  toRun(): string;
  insert(s: string): void;
  know(schema: Schema, database: string, functions: SQLFunction[]): void;
  focus(): void;
  destroy(): void;
}

// Beside the keys of every editor; not those that walk a syntax tree, which this one does not have.
const lines = [
  { key: "Alt-ArrowUp", run: moveLineUp }, { key: "Alt-ArrowDown", run: moveLineDown }, { key: "Shift-Alt-ArrowDown", run: copyLineDown }, { key: "Shift-Mod-k", run: deleteLine },
  { key: "Mod-[", run: indentLess }, { key: "Mod-]", run: indentMore },
];

const look = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "transparent", fontSize: "13px", height: "100%" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.65" },
  ".cm-content": { caretColor: "var(--brook)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--brook)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--ink3)", border: "0" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--brook-soft)" },
  ".keyword": { color: "var(--c4)" }, ".type": { color: "var(--c1)" }, ".text, .name": { color: "var(--c5)" }, ".value": { color: "var(--c2)" }, ".comment": { color: "var(--ink3)" },
  ".pair": { backgroundColor: "var(--brook-soft)", outline: "1px solid var(--brook)" },
  ".cm-placeholder": { color: "var(--ink3)" },
  ".cm-tooltip": { backgroundColor: "var(--panel)", border: "1px solid var(--line)", borderRadius: "6px", overflow: "hidden" },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12px", maxHeight: "14em" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "2px 8px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--brook-soft)", color: "var(--brook)" },
  ".cm-completionDetail": { color: "var(--ink3)", fontStyle: "normal" },
  ".cm-completionInfo": { padding: "8px 10px", maxWidth: "340px", fontFamily: "var(--sans)", fontSize: "12px" },
});

const opening = "([{", closing = ")]}";

/** pairOf is where the bracket beside a place is, and the one that belongs to it, within what is quick to look through. */
function pairOf(state: EditorState, at: number): number[] {
  const { doc } = state;
  for (const from of [at - 1, at]) {
    const one = from < 0 ? "" : doc.sliceString(from, from + 1), step = opening.includes(one) ? 1 : -1;
    if (!one || !(opening + closing).includes(one) || quoting(wordAt(doc, from + 1))) continue;
    for (let i = from, depth = 0, left = 10_000; i >= 0 && i < doc.length && left--; i += step) {
      const c = doc.sliceString(i, i + 1), turn = opening.includes(c) ? 1 : closing.includes(c) ? -1 : 0;
      if (turn && !quoting(wordAt(doc, i + 1)) && (depth += turn) === 0) return [from, i];
    }
  }
  return [];
}

const marks = Object.fromEntries(["keyword", "type", "text", "name", "value", "comment", "pair"].map((k) => [k, Decoration.mark({ class: k })]));

/** marked is the colours of the words that are seen, and the pair of brackets at the cursor. */
function marked(view: EditorView): DecorationSet {
  const { from, to } = view.viewport, out: Range<Decoration>[] = [];
  for (const w of wordsOf(view.state.doc)) if (w.kind && w.to > from && w.from < to) out.push(marks[w.kind]!.range(w.from, w.to));
  if (view.hasFocus) for (const at of pairOf(view.state, view.state.selection.main.head)) out.push(marks.pair!.range(at, at + 1));
  return Decoration.set(out, true);
}

const colours = ViewPlugin.fromClass(class {
  seen: DecorationSet;
  constructor(view: EditorView) { this.seen = marked(view); }
  update(u: { view: EditorView; docChanged: boolean; viewportChanged: boolean; selectionSet: boolean; focusChanged: boolean }) {
    if (u.docChanged || u.viewportChanged || u.selectionSet || u.focusChanged) this.seen = marked(u.view);
  }
}, { decorations: (v) => v.seen });

/** knows is what commands and completion ask of a language. */
const knows = (schema: Schema, database: string, functions: Completion[]) => {
  const data = [{ commentTokens: { line: "--", block: { open: "/*", close: "*/" } }, closeBrackets: { brackets: ["(", "[", "{", "'", '"', "`"] }, autocomplete: completer(schema, database, functions) }];
  return EditorState.languageData.of(() => data);
};

export function makeEditor(host: HTMLElement, o: { text: string; run: () => void; changed: (text: string) => void; label?: string }): Editor {
  const shell = host.appendChild(document.createElement("div"));
  shell.style.height = "100%";
  const root = shell.attachShadow({ mode: "open" });
  const known = new Compartment();
  const view = new EditorView({
    parent: root as unknown as HTMLElement,
    root,
    state: EditorState.create({
      doc: o.text,
      extensions: [
        lineNumbers(), history(), drawSelection(), closeBrackets(), autocompletion({ icons: false }),
        colours, look, placeholder("SELECT …"), EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": o.label ?? "SQL", tabindex: "0" }),
        Prec.highest(keymap.of([{ key: "Mod-Enter", run: () => (o.run(), true) }, { key: "Mod-/", run: toggleComment }])),
        keymap.of([...closeBracketsKeymap, ...lines, ...standardKeymap, ...historyKeymap, ...completionKeymap]),
        known.of(knows({}, "", [])),
        EditorView.updateListener.of((u) => u.docChanged && o.changed(u.state.doc.toString())),
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    setText: (s) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: s } }),
    toRun: () => {
      const { from, to } = view.state.selection.main;
      return from === to ? view.state.doc.toString() : view.state.sliceDoc(from, to);
    },
    insert: (s) => {
      view.dispatch(view.state.replaceSelection(s));
      view.focus();
    },
    know: (schema, database, functions) => {
      view.dispatch({ effects: known.reconfigure(knows(schema, database, functions.map(completionOf))) });
    },
    focus: () => view.focus(),
    destroy: () => {
      view.destroy();
      shell.remove();
    },
  };
}

function completionOf(f: SQLFunction): Completion {
  return {
    label: f.name, type: "function", detail: f.kind === "scalar" ? "" : f.kind, apply: f.name + "(",
    info: () => {
      const box = document.createElement("div");
      for (const form of f.forms.slice(0, 6)) {
        const line = box.appendChild(document.createElement("div"));
        line.textContent = form;
        line.style.fontFamily = "var(--mono)";
      }
      box.appendChild(document.createElement("div")).textContent = f.description;
      return box;
    },
  };
}
