// The SQL editor. It lives in a shadow root, whose styles are objects and not elements: the page's
// policy allows no styles in elements.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type Completion } from "@codemirror/autocomplete";
import { copyLineDown, deleteLine, history, historyKeymap, indentLess, indentMore, moveLineDown, moveLineUp, standardKeymap, toggleComment } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { completer, language, type Schema, type SQLFunction } from "./sql.ts";

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
  ".cm-matchingBracket": { backgroundColor: "var(--brook-soft)", outline: "1px solid var(--brook)" },
  ".cm-placeholder": { color: "var(--ink3)" },
  ".cm-tooltip": { backgroundColor: "var(--panel)", border: "1px solid var(--line)", borderRadius: "6px", overflow: "hidden" },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12px", maxHeight: "14em" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "2px 8px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--brook-soft)", color: "var(--brook)" },
  ".cm-completionDetail": { color: "var(--ink3)", fontStyle: "normal" },
  ".cm-completionInfo": { padding: "8px 10px", maxWidth: "340px", fontFamily: "var(--sans)", fontSize: "12px" },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--c4)" },
  { tag: [tags.typeName, tags.standard(tags.name)], color: "var(--c1)" },
  { tag: tags.string, color: "var(--c5)" },
  { tag: tags.special(tags.string), color: "var(--c5)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--c2)" },
  { tag: [tags.lineComment, tags.blockComment], color: "var(--ink3)" },
]);

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
        lineNumbers(), history(), drawSelection(), bracketMatching(), closeBrackets(), autocompletion({ icons: false }),
        syntaxHighlighting(colours), look, placeholder("SELECT …"), EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": o.label ?? "SQL" }),
        Prec.highest(keymap.of([{ key: "Mod-Enter", run: () => (o.run(), true) }, { key: "Mod-/", run: toggleComment }])),
        keymap.of([...closeBracketsKeymap, ...lines, ...standardKeymap, ...historyKeymap, ...completionKeymap]),
        language, known.of(language.data.of({ autocomplete: completer({}, "", []) })),
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
      view.dispatch({ effects: known.reconfigure(language.data.of({ autocomplete: completer(schema, database, functions.map(completionOf)) })) });
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
