// What CodeMirror's commands and completion want of @codemirror/language, and of @lezer/common below it: the build gives
// them this in place of those. This editor reads SQL by its words, so it has no grammar, and no syntax tree to walk.
import { Facet, type EditorState } from "@codemirror/state";
import { wordAt } from "./words.ts";

export const indentUnit = Facet.define<string, string>({ combine: (given) => given[0] ?? "  " });
export const getIndentUnit = (state: EditorState) => state.facet(indentUnit).length;
export const indentString = (_: EditorState, columns: number) => " ".repeat(columns);

/** getIndentation says nothing: a new line begins where the one before does. */
export const getIndentation = () => null;

export class IndentContext {
  constructor(private readonly state: EditorState) {}
  lineIndent(at: number) { return /^\s*/.exec(this.state.doc.lineAt(at).text)![0].length; }
}

/** syntaxTree is flat: a node is a word, a text or a comment, and has nothing within and nothing around it. */
export const syntaxTree = (state: EditorState) => ({
  resolveInner(at: number) {
    const { from, to, kind } = wordAt(state.doc, at) ?? { from: at, to: at, kind: undefined };
    return { from, to, name: kind ?? "", parent: null, firstChild: null, childBefore: () => null, childAfter: () => null };
  },
  resolveStack: () => null,
});

export const ensureSyntaxTree = syntaxTree;
export const matchBrackets = () => null;
export class NodeProp {
  static closedBy = new NodeProp();
  static openedBy = new NodeProp();
}
