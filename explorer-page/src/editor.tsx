// The source: CodeMirror, with the lines in the colours of their instructions.

import { autocompletion, closeBrackets, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { cpp } from "@codemirror/lang-cpp";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { Diagnostic as Lint, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, Extension, RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { Decoration, DecorationSet, drawSelection, EditorView, gutter, GutterMarker, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { a64, hexWords, loadMnemonics } from "./a64";
import { hereLine, violationsAt } from "./call";
import { activeLine, chosen, colours, cursorLine, diagnostics, hoverLine, kind, lineBreaks, replaced, rowsOf, text, toggleLineBreak } from "./state";
import type { Diagnostic, Kind } from "./types";

const highlight = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword, tags.modifier], color: "var(--syntax-keyword)", fontWeight: "600" },
  { tag: [tags.typeName, tags.className, tags.standard(tags.name)], color: "var(--syntax-type)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--syntax-number)" },
  { tag: [tags.string, tags.character], color: "var(--syntax-string)" },
  { tag: [tags.comment, tags.lineComment, tags.blockComment], color: "var(--syntax-comment)", fontStyle: "italic" },
  { tag: [tags.meta, tags.processingInstruction], color: "var(--syntax-meta)" },
  { tag: [tags.labelName, tags.definition(tags.name), tags.function(tags.variableName)], color: "var(--syntax-label)" },
  { tag: tags.invalid, color: "var(--error)", textDecoration: "underline wavy" },
]);

const theme = EditorView.theme({
  "&": { height: "100%", fontSize: "inherit", color: "var(--text)", backgroundColor: "var(--surface)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--text)", padding: "4px 0" },
  ".cm-line": { padding: "0 8px 0 6px" },
  ".cm-cursor": { borderLeftColor: "var(--text)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--selection) !important" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 6px 0 4px", minWidth: "2ch" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--edge)", borderRadius: "6px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-diagnostic": { padding: "4px 8px", whiteSpace: "pre-wrap", maxWidth: "60ch" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--error)" },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--text)" },
  ".cm-matchingBracket": { backgroundColor: "var(--selection)", outline: "1px solid var(--edge)" },
  ".cm-selectionMatch": { backgroundColor: "var(--selection)" },
});

// -- lines in colour ---------------------------------------------------------------------------------------------------

const refresh = StateEffect.define<null>();

function decorate(state: EditorState): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  for (let number = 1; number <= state.doc.lines; number++) {
    const classes = [];
    const colour = colours.peek().get(number);
    if (colour !== undefined) classes.push(`tint tint${colour}`);
    if (number === activeLine.peek() && colour !== undefined) classes.push("linked");
    if (number === hereLine.peek()) classes.push("here");
    if (classes.length) {
      const at = state.doc.line(number).from;
      builder.add(at, at, Decoration.line({ class: classes.join(" ") }));
    }
  }
  return builder.finish();
}

const lines = StateField.define<DecorationSet>({
  create: decorate,
  update: (value, transaction) => (transaction.docChanged ? value.map(transaction.changes) : transaction.effects.some((e) => e.is(refresh)) ? decorate(transaction.state) : value),
  provide: (field) => EditorView.decorations.from(field),
});

class Mark extends GutterMarker {
  constructor(readonly mark: string, readonly label: string) {
    super();
  }
  eq(other: Mark) {
    return other.mark === this.mark;
  }
  toDOM() {
    const element = document.createElement("span");
    element.textContent = this.mark;
    element.title = this.label;
    element.className = `mark ${this.label.startsWith("Break") ? "break" : "next"}`;
    return element;
  }
}
const breakMark = new Mark("●", "Breakpoint");
const conditionMark = new Mark("◐", "Breakpoint with a condition");
const hereMark = new Mark("▶", "Next");
const bothMark = new Mark("◉", "Breakpoint, next");
const noMark = new Mark(" ", "");

const marks = gutter({
  class: "marks",
  lineMarker(view, line) {
    const number = view.state.doc.lineAt(line.from).number;
    const broken = lineBreaks.peek().has(number);
    const condition = lineBreaks.peek().get(number);
    const here = hereLine.peek() === number;
    return broken && here ? bothMark : condition ? conditionMark : broken ? breakMark : here ? hereMark : null;
  },
  lineMarkerChange: (update) => update.transactions.some((t) => t.effects.some((e) => e.is(refresh))),
  initialSpacer: () => noMark,
  domEventHandlers: {
    mousedown(view, line) {
      toggleLineBreak(view.state.doc.lineAt(line.from).number);
      return true;
    },
  },
});

// -- the editor --------------------------------------------------------------------------------------------------------

const language = new Compartment();

function languageOf(of: Kind): Extension {
  if (of === "assembly") return a64();
  if (of === "hex") return hexWords();
  return cpp();
}

let view: EditorView | null = null;

/** Put the cursor onto a line. */
export function showLine(number: number, focus: boolean) {
  if (!view || number < 1 || number > view.state.doc.lines) return;
  const line = view.state.doc.line(number);
  view.dispatch({ selection: { anchor: line.from }, effects: EditorView.scrollIntoView(line.from, { y: "nearest", yMargin: 40 }) });
  if (focus) view.focus();
}

export function focusEditor() {
  view?.focus();
}

function newState(): EditorState {
  return EditorState.create({
    doc: text.peek(),
    extensions: [
      lineNumbers(),
      marks,
      lintGutter(),
      highlightSpecialChars(),
      history(),
      drawSelection(),
      indentOnInput(),
      indentUnit.of("    "),
      bracketMatching(),
      closeBrackets(),
      autocompletion({ activateOnTypingDelay: 150 }),
      highlightSelectionMatches(),
      syntaxHighlighting(highlight),
      theme,
      lines,
      language.of(languageOf(kind.peek())),
      EditorView.contentAttributes.of({ "aria-label": "Source", tabindex: "0" }),
      keymap.of([
        {
          key: "F9",
          run: (editor) => {
            toggleLineBreak(editor.state.doc.lineAt(editor.state.selection.main.head).number);
            return true;
          },
        },
        ...completionKeymap,
        ...defaultKeymap,
        ...searchKeymap,
        ...historyKeymap,
        ...lintKeymap,
      ]),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) text.value = update.state.doc.toString();
        if (update.selectionSet || update.docChanged) {
          const line = update.state.doc.lineAt(update.state.selection.main.head).number;
          if (line !== cursorLine.peek()) {
            cursorLine.value = line;
            const row = rowsOf(0).findIndex((r) => r[3] === line);
            if (row >= 0 && update.view.hasFocus) chosen.value = { side: 0, row };
          }
        }
      }),
      EditorView.domEventHandlers({
        mousemove(event, editor) {
          const at = editor.posAtCoords({ x: event.clientX, y: event.clientY });
          hoverLine.value = at === null ? 0 : editor.state.doc.lineAt(at).number;
        },
        mouseleave: () => void (hoverLine.value = 0),
      }),
    ],
  });
}

/** What breaks the calling convention, at the lines of the instructions. */
function conventionDiagnostics(): Diagnostic[] {
  const lines = new Map(rowsOf(0).map((row) => [row[0], row[3]]));
  const found: Diagnostic[] = [];
  for (const [offset, all] of violationsAt.value) {
    const line = lines.get(offset);
    if (line) for (const one of all) found.push({ file: "", line, column: 0, severity: "warning", message: `The calling convention: ${one.rule} (time ${one.time})` });
  }
  return found;
}

export function Editor() {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const made = (view = new EditorView({ state: newState(), parent: holder.current! }));
    let frame = 0;
    let followed = 0;
    const ends = [
      () => cancelAnimationFrame(frame),
      effect(() => {
        replaced.value;
        if (made.state.doc.toString() !== text.peek()) made.setState(newState());
      }),
      effect(() => {
        const of = kind.value;
        made.dispatch({ effects: language.reconfigure(languageOf(of)) });
        if (of === "assembly") void loadMnemonics().then(() => made.dispatch({ effects: language.reconfigure(languageOf(kind.peek())) }));
      }),
      effect(() => {
        colours.value;
        activeLine.value;
        hereLine.value;
        lineBreaks.value;
        // Not while CodeMirror itself is changing something, and once a frame at most.
        frame ||= requestAnimationFrame(() => {
          frame = 0;
          const line = hereLine.peek();
          const effects: StateEffect<unknown>[] = [refresh.of(null)];
          if (line && line !== followed && !made.hasFocus && line <= made.state.doc.lines) effects.push(EditorView.scrollIntoView(made.state.doc.line(line).from, { y: "nearest", yMargin: 30 }));
          followed = line;
          made.dispatch({ effects });
        });
      }),
      effect(() => {
        const found = [...diagnostics.value, ...conventionDiagnostics()];
        queueMicrotask(() => {
          const { doc } = made.state;
          const shown: Lint[] = found.map((d) => {
            const line = doc.line(Math.min(Math.max(d.line, 1), doc.lines));
            const column = d.column || line.text.search(/\S|$/) + 1;
            const from = Math.min(line.from + column - 1, line.to);
            const word = /^[\w.]+/.exec(doc.sliceString(from, line.to));
            const severity = d.severity.includes("error") ? "error" : d.severity.includes("warn") ? "warning" : "info";
            return { from, to: Math.min(from + (word ? word[0].length : 1), Math.max(line.to, from)), severity, message: d.message };
          });
          made.dispatch(setDiagnostics(made.state, shown));
        });
      }),
    ];
    return () => {
      ends.forEach((end) => end());
      made.destroy();
    };
  }, []);
  return <div class="editor" ref={holder} />;
}
