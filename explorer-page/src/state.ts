// What the page shows: the source, its settings, what was built of it.

import { batch, computed, effect, signal } from "@preact/signals";
import { ask, latest, Refused } from "./server";
import type { Built, Diagnostic, Example, Failure, Hello, Kind, Row, Watch } from "./types";

export interface Settings {
  opt: string;
  target: string;
  flags: string;
}

export interface Build {
  busy: boolean;
  built: Built | null;
  failure: Failure | null;
  /** Milliseconds from the last key to the rows on the page. */
  took: number;
  /** What it was made of, as `keyOf` gives it. */
  of: string;
}

export const hello = signal<Hello | null>(null);
export const kind = signal<Kind>("c");
export const name = signal("fn.c");
export const text = signal("");
export const compare = signal(false);
export const settings = [
  signal<Settings>({ opt: "-O0", target: "linux", flags: "" }),
  signal<Settings>({ opt: "-O2", target: "linux", flags: "" }),
];
const none: Build = { busy: false, built: null, failure: null, took: 0, of: "" };
export const builds = [signal<Build>(none), signal<Build>(none)];

/** The line where the cursor is, and the one below the pointer (0: none). */
export const cursorLine = signal(1);
export const hoverLine = signal(0);
/** The instruction that is explained: the side and the number of the row. */
export const chosen = signal<{ side: number; row: number } | null>(null);
/** Lines with breakpoints, and offsets of instructions with such; each has a condition, or "". */
export type Breaks = ReadonlyMap<number, string>;
export const lineBreaks = signal<Breaks>(new Map());
export const rowBreaks = signal<Breaks>(new Map());
export const watches = signal<Watch[]>([]);
/** What is told to screen readers and shown for a moment. */
export const notice = signal("");

export function tell(message: string) {
  notice.value = "";
  requestAnimationFrame(() => (notice.value = message));
}

export const isCompiled = computed(() => kind.value === "c" || kind.value === "c++");

export interface SourceRequest extends Settings {
  text: string;
  kind: Kind;
  name: string;
}

export function request(side: number): SourceRequest {
  const own = settings[side].value;
  return { text: text.value, kind: kind.value, name: name.value, ...own };
}

/** A source and its settings as one text, which is the same if they are. */
export function keyOf(side: number): string {
  return JSON.stringify(request(side));
}

/** When the last key was pressed. */
let changed = 0;

async function buildSide(side: number) {
  const target = builds[side];
  const asked = request(side);
  const of = keyOf(side);
  const began = changed || performance.now();
  target.value = { ...target.value, busy: true };
  try {
    const built = await ask<Built>("build", asked);
    target.value = { busy: false, built, failure: null, took: performance.now() - began, of };
  } catch (error) {
    const failure = error instanceof Refused ? error.failure : { kind: "Error", message: String(error) };
    target.value = { ...target.value, busy: false, failure, took: performance.now() - began, of };
  }
}

const building = [latest(() => buildSide(0)), latest(() => buildSide(1))];
let timer = 0;

/** Have everything built anew, soon. */
export function rebuild() {
  changed = performance.now();
  clearTimeout(timer);
  timer = window.setTimeout(() => {
    building[0]();
    if (compare.value) building[1]();
  }, 20);
}

export function watchSource() {
  effect(() => {
    text.value;
    kind.value;
    name.value;
    compare.value;
    settings[0].value;
    settings[1].value;
    if (hello.peek()) rebuild();
  });
}

export const diagnostics = computed<Diagnostic[]>(() => {
  const { built, failure } = builds[0].value;
  const all = failure ? (failure.diagnostics ?? []) : (built?.warnings ?? []);
  const file = built?.file ?? name.value;
  return all.filter((d) => d.line > 0 && (d.file === file || d.file === name.value || d.file.endsWith(`/${name.value}`) || d.file.startsWith("<") || !d.file.includes("/")));
});

/** The number of each line that has code, in order: lines and their instructions have the colour of it. */
export const colours = computed<Map<number, number>>(() => {
  const lines = new Set<number>();
  for (const side of compare.value ? [0, 1] : [0]) for (const row of builds[side].value.built?.rows ?? []) if (row[3]) lines.add(row[3]);
  return new Map([...lines].sort((a, b) => a - b).map((line, index) => [line, index % 6]));
});

export const activeLine = computed(() => hoverLine.value || cursorLine.value);

export function rowsOf(side: number): Row[] {
  return builds[side].value.built?.rows ?? [];
}

function toggled(breaks: Breaks, key: number): Breaks {
  const next = new Map(breaks);
  if (!next.delete(key)) next.set(key, "");
  return next;
}

export function toggleLineBreak(line: number) {
  lineBreaks.value = toggled(lineBreaks.value, line);
  tell(lineBreaks.value.has(line) ? `Breakpoint at line ${line}` : `No breakpoint at line ${line} any more`);
}

export function toggleRowBreak(offset: number) {
  rowBreaks.value = toggled(rowBreaks.value, offset);
  tell(rowBreaks.value.has(offset) ? `Breakpoint at ${offset.toString(16)}` : `No breakpoint at ${offset.toString(16)} any more`);
}

const SUFFIXES: Record<string, Kind> = { c: "c", h: "c", cc: "c++", cpp: "c++", cxx: "c++", hpp: "c++", s: "assembly", S: "assembly", asm: "assembly", hex: "hex", txt: "hex" };
export const NAMES: Record<Kind, string> = { c: "source.c", "c++": "source.cpp", assembly: "source.s", hex: "words.hex" };

export function kindOfName(file: string): Kind {
  return SUFFIXES[file.split(".").pop() ?? ""] ?? "c";
}

/** The text is replaced as a whole: the editor takes it over. */
export const replaced = signal(0);

export function load(source: { kind: Kind; name: string; text: string; opt?: string; target?: string }) {
  batch(() => {
    kind.value = source.kind;
    name.value = source.name;
    text.value = source.text;
    settings[0].value = { opt: source.opt ?? "-O0", target: source.target ?? "linux", flags: "" };
    lineBreaks.value = new Map();
    rowBreaks.value = new Map();
    watches.value = [];
    chosen.value = null;
    cursorLine.value = 1;
    replaced.value++;
  });
}

export function exampleOf(title: string): Example | undefined {
  return hello.value?.examples.find((example) => example.title === title);
}
