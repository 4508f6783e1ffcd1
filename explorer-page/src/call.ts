// The call: what it is called with, what came of it, and the registers at any time of it.

import { batch, computed, effect, signal } from "@preact/signals";
import { ask, latest, Refused } from "./server";
import { builds, keyOf, lineBreaks, request, rowBreaks, rowsOf, tell, watches } from "./state";
import type { Change, Failure, HandChange, Looked, Part, Summary, Violation, Watch } from "./types";

export const callee = signal("");
export const signature = signal("");
export const words = signal("3");
export const input = signal("");
export const auto = signal(true);

export const running = signal(false);
/** The run is older than the source. */
export const stale = signal(false);
export const summary = signal<Summary | null>(null);
export const failed = signal<Failure | null>(null);
export const time = signal(0);
export const looked = signal<Looked | null>(null);
/** What memory is shown: a register, or an address. */
export const where = signal("sp");
/** A time to go to as soon as there is a run, of a link. */
export const wanted = signal<number | null>(null);

/** What is changed by hand in this call, in the order of times. */
export const changes = signal<HandChange[]>([]);
/** The call that they belong to; "" for one that is still to begin. */
let changesOf = "";

let parts = new Map<number, Part>();
const arrived = signal(0);

export const X = 0, SP = 31, PC = 32, NZCV = 33, V = 34, FPCR = 66;
export const SLOTS = [...Array.from({ length: 31 }, (_, n) => `x${n}`), "sp", "pc", "nzcv", ...Array.from({ length: 32 }, (_, n) => `v${n}`), "fpcr", "fpsr", "tpidr_el0"];

/** Arguments as a command line has them: separated by spaces, in quotes or brackets if they have such. */
export function split(line: string): string[] {
  const found = line.match(/"(?:[^"\\]|\\.)*"|'[^']*'|\[[^\]]*\]|\S+/g) ?? [];
  return found.map((word) => (/^".*"$|^'.*'$/.test(word) ? word.slice(1, -1) : word));
}

async function start() {
  running.value = true;
  const asked = { source: request(0), function: callee.value, signature: signature.value, arguments: split(words.value), input: input.value };
  const of = JSON.stringify(asked);
  if (changes.value.length && changesOf && changesOf !== of) {
    changes.value = [];
    tell("The call is another one: it has no changes by hand");
  }
  changesOf = of;
  try {
    const found = await ask<Summary>("start", { ...asked, changes: changes.value });
    batch(() => {
      parts = new Map(found.parts.map((part) => [part.begin / found.part, part]));
      const atEnd = summary.value !== null && time.value === summary.value.end;
      summary.value = found;
      failed.value = null;
      stale.value = false;
      time.value = wanted.value !== null ? Math.min(wanted.value, found.end) : atEnd ? found.end : Math.min(time.value, found.end);
      wanted.value = null;
      arrived.value++;
    });
    look();
  } catch (error) {
    failed.value = error instanceof Refused ? error.failure : { kind: "Error", message: String(error) };
    summary.value = null;
    looked.value = null;
  } finally {
    running.value = false;
  }
}

export const run = latest(start);

/** Take over the changes of another call, which begins next. */
export function takeChanges(all: HandChange[]) {
  changes.value = all;
  changesOf = "";
}

/** Change a register or memory now, and go on from there; why it can't be done, or "". */
export async function changeByHand(what: string, value: string): Promise<string> {
  const now = time.value;
  const before = changes.value;
  const others = before.filter((one) => one.time < now || (one.time === now && one.what !== what));
  changes.value = [...others, { time: now, what, value }];
  wanted.value = now;
  await start();
  const why = failed.value?.message;
  if (!why) return "";
  changes.value = before;
  wanted.value = now;
  await start();
  return why;
}

/** Take the last change by hand back. */
export function undoChange() {
  const last = changes.value.at(-1);
  if (!last) return;
  changes.value = changes.value.slice(0, -1);
  wanted.value = last.time;
  run();
}

/** Every build that succeeds is run; so is every other call. */
export function watchBuild() {
  effect(() => {
    const { built, failure, busy, of } = builds[0].value;
    if (busy) return;
    if (failure || !built || of !== keyOf(0)) {
      stale.value = true;
      return;
    }
    const functions = built.functions;
    if (!built.program && !functions.some((f) => f.linkage === callee.peek())) callee.value = functions[0]?.linkage ?? "";
    if (built.program && callee.peek() && !functions.some((f) => f.linkage === callee.peek())) callee.value = "";
    callee.value;
    signature.value;
    words.value;
    input.value;
    stale.value = true;
    if (auto.value && functions.length) run();
  });
}

export async function more() {
  running.value = true;
  try {
    const before = summary.value!;
    const found = await ask<Summary>("more", { count: Math.max(20_000, before.end * 4) });
    parts.delete(Math.floor(before.end / before.part));
    batch(() => {
      summary.value = { ...found, functions: before.functions, fast: found.limit ? before.fast : undefined };
      arrived.value++;
    });
    tell(`${found.end.toLocaleString()} instructions are recorded`);
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
  } finally {
    running.value = false;
  }
}

// -- the registers at a time -------------------------------------------------------------------------------------------

/** The last state that was computed, to go on from. */
let known: { part: Part; at: number; registers: string[] } | null = null;

function stateAt(at: number, part: Part): string[] {
  const steps = at - part.begin;
  let registers: string[];
  let from: number;
  if (known && known.part === part && known.at <= at) {
    registers = [...known.registers];
    from = known.at - part.begin;
  } else {
    registers = [...part.registers];
    from = 0;
  }
  for (let index = from; index < steps; index++) {
    const changes = part.steps[index][0];
    for (let i = 0; i < changes.length; i += 2) registers[changes[i] as number] = changes[i + 1] as string;
  }
  known = { part, at, registers };
  return registers;
}

const asking = new Set<number>();

async function fetchParts(indices: number[]) {
  const missing = indices.filter((index) => !parts.has(index) && !asking.has(index) && index >= 0 && index * summary.value!.part <= summary.value!.end);
  if (!missing.length) return;
  missing.forEach((index) => asking.add(index));
  const of = summary.value;
  try {
    const found = await ask<{ parts: (Part | null)[] }>("parts", { indices: missing });
    if (summary.value !== of) return;
    found.parts.forEach((part) => part && parts.set(part.begin / of!.part, part));
    arrived.value++;
  } catch {
    // The run was replaced meanwhile.
  } finally {
    missing.forEach((index) => asking.delete(index));
  }
}

/** The part that a time is in; that before where it is the very end of one. */
function partOf(at: number): Part | undefined {
  const size = summary.value?.part ?? 512;
  const own = parts.get(Math.floor(at / size));
  return own ?? (at % size === 0 && at > 0 && at === summary.value?.end ? parts.get(at / size - 1) : undefined);
}

export const registers = computed<string[] | null>(() => {
  arrived.value;
  if (!summary.value) return null;
  const part = partOf(time.value);
  return part ? stateAt(time.value, part) : null;
});

/** What the last instruction has changed. */
export const change = computed<Change | null>(() => {
  arrived.value;
  if (!summary.value || time.value === 0) return null;
  const part = partOf(time.value - 1);
  return part?.steps[time.value - 1 - part.begin] ?? null;
});

export const changedSlots = computed<ReadonlySet<number>>(() => {
  const found = new Set<number>();
  const changes = change.value?.[0] ?? [];
  for (let i = 0; i < changes.length; i += 2) if (changes[i] !== PC) found.add(changes[i] as number);
  return found;
});

export const changedBytes = computed<ReadonlySet<string>>(() => {
  const found = new Set<string>();
  bytesOf(change.value?.[1] ?? [], found);
  return found;
});

/** What was changed by hand at this time: the names of registers, and addresses of bytes. */
export const handMarks = computed<ReadonlySet<string>>(() => {
  const found = new Set<string>();
  for (const { time: at, registers: names, memory } of summary.value?.changes ?? []) {
    if (at !== time.value) continue;
    names.forEach((name) => found.add(name));
    bytesOf(memory, found);
  }
  return found;
});

function bytesOf(memory: string[], found: Set<string>) {
  for (let i = 0; i < memory.length; i += 3) {
    const address = BigInt(`0x${memory[i]}`);
    for (let at = 0; at < memory[i + 2].length / 2; at++) found.add((address + BigInt(at)).toString(16));
  }
}

/** The offset, in the build, of the next instruction; -1 outside of the source's code. */
export const hereOffset = computed(() => {
  const state = registers.value;
  const of = summary.value;
  if (!state || !of) return -1;
  const pc = Number(BigInt(`0x${state[PC]}`) - BigInt(`0x${of.base}`));
  return buildOffset(pc);
});

export function buildOffset(pc: number): number {
  for (const [build, own, size] of summary.value?.functions ?? []) if (pc >= own && pc < own + size) return build + pc - own;
  return -1;
}

function runOffset(offset: number): number {
  for (const [build, own, size] of summary.value?.functions ?? []) if (offset >= build && offset < build + size) return own + offset - build;
  return -1;
}

export const hereRow = computed(() => (hereOffset.value < 0 || stale.value ? -1 : rowsOf(0).findIndex((row) => row[0] === hereOffset.value)));
export const hereLine = computed(() => (hereRow.value < 0 ? 0 : rowsOf(0)[hereRow.value][3]));

export const counts = computed<Map<number, number>>(() => {
  const found = new Map<number, number>();
  for (const [pc, count] of summary.value?.counts ?? []) {
    const offset = buildOffset(pc);
    if (offset >= 0) found.set(offset, count);
  }
  return found;
});

// -- the calling convention --------------------------------------------------------------------------------------------

export const violations = computed<Violation[]>(() => summary.value?.violations ?? []);

/** By the offset of the instruction in the build. */
export const violationsAt = computed<ReadonlyMap<number, Violation[]>>(() => {
  const found = new Map<number, Violation[]>();
  if (stale.value) return found;
  for (const one of violations.value) {
    const offset = buildOffset(one.pc);
    if (offset >= 0) found.set(offset, [...(found.get(offset) ?? []), one]);
  }
  return found;
});

export const violationsNow = computed<Violation[]>(() => violations.value.filter((one) => one.time === time.value));

/** To the next violation, or the one before now. */
export function goToViolation(back: boolean) {
  const times = violations.value.map((one) => one.time);
  const found = back ? times.filter((at) => at < time.value).at(-1) : times.find((at) => at > time.value);
  if (found === undefined) {
    tell(times.length ? `No violation of the calling convention ${back ? "before" : "after"} this time` : "No violation of the calling convention was found");
    return;
  }
  goTo(found);
  tell(`Time ${found}: ${violationsNow.value.map((one) => one.rule).join("; ")}`);
}

// -- other times -------------------------------------------------------------------------------------------------------

export function goTo(at: number) {
  if (!summary.value) return;
  time.value = Math.min(Math.max(Math.round(at), 0), summary.value.end);
}

export function step(count: number) {
  goTo(time.value + count);
}

/** Offsets in the run, with their conditions. */
function breakOffsets(): [number, string][] {
  const found: [number, string][] = [];
  for (const [offset, condition] of rowBreaks.value) found.push([runOffset(offset), condition]);
  const rows = rowsOf(0);
  rows.forEach((row, index) => {
    const condition = lineBreaks.value.get(row[3]);
    const first = index === 0 || rows[index - 1][3] !== row[3];
    if (condition !== undefined && first) found.push([runOffset(row[0]), condition]);
  });
  return found.filter(([offset]) => offset >= 0);
}

type How = "next" | "finish" | "line" | "back line" | "forwards" | "back";
type Went = { time: number; hit?: boolean; why?: string; searching?: boolean };

async function goBy(how: How, breaks: [number, string][], watched: Watch[]) {
  if (!summary.value) return;
  try {
    const found = await ask<Went>("go", { how, time: time.value, breaks, watches: watched });
    goTo(found.time);
    if (how !== "forwards" && how !== "back") return;
    if (found.hit) tell(`Time ${found.time}: ${found.why}`);
    else if (found.searching) tell(`Nothing up to time ${found.time}: once more to look further`);
    else tell(how === "back" ? "The beginning" : "The end");
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
  }
}

export const go = (how: How) => goBy(how, breakOffsets(), watches.value);

/** To the next access to watched bytes, or the one before now. */
export const goToAccess = (watch: Watch, back: boolean) => goBy(back ? "back" : "forwards", [], [watch]);

/** To the next time that an instruction is executed, or to the first. */
export async function goToRow(offset: number) {
  if (!summary.value) return;
  try {
    const breaks = [runOffset(offset)];
    let found = await ask<{ time: number; hit?: boolean }>("go", { how: "forwards", time: time.value, breaks });
    if (!found.hit) found = await ask("go", { how: "forwards", time: -1, breaks });
    if (counts.value.has(offset)) goTo(found.time);
    else tell("This call doesn't execute that instruction");
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
  }
}

/** To the instruction that wrote a register, or memory at an address, last. */
export async function goToWrite(what: { register: string } | { address: string; size: number }) {
  if (!summary.value) return;
  const called = "register" in what ? what.register : `0x${what.address}`;
  try {
    const found = await ask<{ time: number | null; hand?: boolean }>("last_write", { ...what, time: time.value });
    if (found.hand && found.time !== null) {
      goTo(found.time);
      tell(`${called} was changed by hand here`);
    } else if (found.time === null) tell(`${called} has its value since before the call`);
    else {
      goTo(found.time);
      tell(`The next instruction writes ${called}`);
    }
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
  }
}

// -- memory and frames -------------------------------------------------------------------------------------------------

export const MEMORY_BYTES = 256;
const MOST_STACK = 1024;

/** The address that `where` means now, null where it means none. */
export function addressOf(expression: string, state: string[] | null): bigint | null {
  const match = /^\s*([a-z_]\w*|0x[0-9a-f]+|\d+)\s*(?:([+-])\s*(0x[0-9a-f]+|\d+))?\s*$/i.exec(expression);
  if (!match) return null;
  const slot = SLOTS.indexOf(match[1].toLowerCase());
  let base: bigint;
  if (slot >= 0 && slot < NZCV) {
    if (!state) return null;
    base = BigInt(`0x${state[slot]}`);
  } else if (/^\d/.test(match[1])) base = BigInt(match[1]);
  else return null;
  if (match[3]) base += match[2] === "-" ? -BigInt(match[3]) : BigInt(match[3]);
  return BigInt.asUintN(64, base);
}

async function lookNow() {
  const state = registers.value;
  if (!summary.value || !state) return;
  const at = time.value;
  const ranges: [string, number][] = [[state[SP], MOST_STACK]];
  const address = addressOf(where.value, state);
  if (address !== null) ranges.push([(address & ~15n).toString(16), MEMORY_BYTES]);
  try {
    looked.value = await ask<Looked>("look", { time: at, ranges });
  } catch (error) {
    looked.value = null;
    if (error instanceof Refused && error.failure.kind === "WorkerCrashed" && !running.value) {
      // What was recorded has gone with it.
      failed.value = error.failure;
      summary.value = null;
    }
  }
}

export const look = latest(lookNow);

export function watchTime() {
  effect(() => {
    const at = time.value;
    where.value;
    const of = summary.value;
    if (!of) return;
    const index = Math.floor(at / of.part);
    void fetchParts([index, index - 1, index + 1]);
    if (registers.value) look();
  });
}
