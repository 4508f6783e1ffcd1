// What the server answers. `armexec.explorer` has the other end.

export type Kind = "c" | "c++" | "assembly" | "hex";

export interface Example {
  title: string;
  kind: Kind;
  name: string;
  text: string;
  arguments: string;
  opt?: string;
  function?: string;
  signature?: string;
  input?: string;
}

export interface Hello {
  version: string;
  opened: null | { name: string; path: string; kind: Kind; text: string; opt: string; target: string };
  examples: Example[];
}

export interface Diagnostic {
  file: string;
  line: number;
  column: number;
  severity: string;
  message: string;
}

export interface Failure {
  kind: string;
  message: string;
  diagnostics?: Diagnostic[];
  pc?: string;
}

/** Offset, word, text, line or 0, number of the function, offset of a branch's target or -1. */
export type Row = [number, number, string, number, number, number];

export interface GuestFunction {
  name: string;
  linkage: string;
  offset: number;
  size: number;
  first: number;
  signature: string;
  parameters: string[];
}

export interface Built {
  functions: GuestFunction[];
  rows: Row[];
  truncated: boolean;
  program: boolean;
  warnings: Diagnostic[];
  how: string;
  file: string;
}

/** Name, lowest bit, width, value, whether the encoding fixes it. */
export type Field = [string, number, number, number, boolean];

export interface Explanation {
  word: number;
  text: string;
  fields: Field[];
  operands: [string, string[]][];
  name: string;
  summary: string;
  mnemonic?: string;
  syntax?: string;
  alias?: boolean;
  encoding?: string;
  feature?: string;
  details?: string;
  reads?: string[];
  writes?: string[];
  groups?: string[];
}

/** The registers that changed, as number and value in turns; and memory: address, old and new bytes in turns. */
export type Change = [(number | string)[], string[]?];

export interface Part {
  begin: number;
  registers: string[];
  pcs: number[];
  steps: Change[];
}

export interface Result {
  text: string;
  type?: string;
  hex?: string;
  status?: number;
  written?: Record<string, string>;
  output?: string;
  seconds?: number;
  error?: Failure;
}

export interface Summary {
  end: number;
  part: number;
  base: string;
  finished: boolean;
  error: Failure | null;
  stop: string;
  limit: boolean;
  name: string;
  signature: string;
  output: string;
  outputs: [number, number][];
  /** Call, address, size, protection, detail. */
  steps: [string, string, number, string, string][];
  regions: [string, string, string, string][];
  counts: [number, number][];
  violations: Violation[];
  changes: MadeChange[];
  parts: Part[];
  functions: [number, number, number][];
  result?: Result;
  fast?: Result;
}

/** What breaks a rule of the calling convention, at the first time that it does. */
export interface Violation {
  rule: string;
  time: number;
  pc: number;
  instruction: string;
}

/** What is changed by hand: a register or memory, as `x0` or `u32[sp + 12]`, and an expression. */
export interface HandChange {
  time: number;
  what: string;
  value: string;
}

/** One that was made: the names of the registers, and address, old and new bytes in turns. */
export interface MadeChange extends HandChange {
  registers: string[];
  memory: string[];
}

/** Bytes that are watched: their address is an expression, computed at a time. */
export interface Watch {
  address: string;
  at: number;
  size: number;
  mode: "w" | "r" | "rw";
}

export interface Frame {
  name: string;
  pc: number;
  line: number;
  begin: number | null;
  low: string;
  high: string;
}

export interface Looked {
  time: number;
  memory: [string, string][];
  frames: Frame[];
}
