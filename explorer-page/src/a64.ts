// The editor's language for A64 assembly, and for words. Mnemonics come from the server, which has them from the
// descriptions of the instructions.

import { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { LanguageSupport, StreamLanguage, StringStream } from "@codemirror/language";
import { ask } from "./server";

let mnemonics: Set<string> | null = null;
let asked: Promise<void> | null = null;

export function loadMnemonics(): Promise<void> {
  asked ??= ask<{ names: string[] }>("mnemonics").then((found) => void (mnemonics = new Set(found.names)));
  return asked;
}

const REGISTER = /^(?:[xw](?:[12]?\d|30|zr)|w?sp|lr|pc|[vqdshb](?:[12]?\d|3[01])(?:\.\d*[bhsdq])?|nzcv|fp[cs]r)\b/i;
const WORD = /^[a-z_.$][\w.$]*/i;

interface State {
  start: boolean;
  comment: boolean;
}

function token(stream: StringStream, state: State): string | null {
  if (stream.sol()) state.start = true;
  if (state.comment) {
    if (stream.skipTo("*/")) {
      stream.match("*/");
      state.comment = false;
    } else stream.skipToEnd();
    return "comment";
  }
  if (stream.eatSpace()) return null;
  if (stream.match("//") || (state.start && stream.match("#"))) {
    stream.skipToEnd();
    return "comment";
  }
  if (stream.match("/*")) {
    state.comment = true;
    return "comment";
  }
  if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
  if (stream.match(/^'(?:\\.|[^\\])'?/)) return "character";
  if (stream.match(/^;/)) {
    state.start = true;
    return "punctuation";
  }
  if (stream.match(/^(?:[\w.$]+|"[^"]*"):/)) return "labelName";
  if (state.start) {
    const word = stream.match(WORD) as RegExpMatchArray | null;
    if (word) {
      state.start = false;
      if (word[0].startsWith(".")) return "meta";
      const known = !mnemonics || mnemonics.has(word[0].toLowerCase());
      return known ? "keyword" : "invalid";
    }
  }
  state.start = false;
  if (stream.match(/^#?-?(?:0x[\da-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)/i)) return "number";
  if (stream.match(REGISTER)) return "variableName";
  if (stream.match(/^(?:lsl|lsr|asr|ror|msl|[us]xt[bhwx])\b/i)) return "operatorKeyword";
  if (stream.match(WORD)) return "name";
  stream.next();
  return "punctuation";
}

function complete(context: CompletionContext): CompletionResult | null {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  const match = /^(?:\s*[\w.$]+:)?\s*([a-z][\w.]*)$/i.exec(before);
  if (!match || !mnemonics) return null;
  return { from: context.pos - match[1].length, options: [...mnemonics].map((label) => ({ label, type: "keyword" })), validFor: /^[\w.]*$/ };
}

export function a64(): LanguageSupport {
  const language = StreamLanguage.define<State>({
    name: "a64",
    startState: () => ({ start: true, comment: false }),
    copyState: (state) => ({ ...state }),
    token,
    languageData: { commentTokens: { line: "//", block: { open: "/*", close: "*/" } }, autocomplete: complete },
  });
  return new LanguageSupport(language);
}

export function hexWords(): LanguageSupport {
  return new LanguageSupport(
    StreamLanguage.define<{}>({
      name: "words",
      startState: () => ({}),
      token(stream) {
        if (stream.eatSpace()) return null;
        if (stream.match(/^(?:#|\/\/|;|--).*/)) return "comment";
        if (stream.match(/^(?:0x)?[\da-f]+\b/i)) return "number";
        stream.next();
        return "punctuation";
      },
      languageData: { commentTokens: { line: "#" } },
    }),
  );
}
