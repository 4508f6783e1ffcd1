// The state of the page in its address, after the #: JSON, deflated, in base64 for URLs.

import { batch, effect } from "@preact/signals";
import { callee, changes, input, signature, takeChanges, time, wanted, words } from "./call";
import { compare, kind, lineBreaks, name, replaced, rowBreaks, settings, text, watches, type Breaks } from "./state";
import type { HandChange, Watch } from "./types";

interface State {
  k: string;
  n: string;
  s: string;
  o: object[];
  c?: boolean;
  f?: string;
  g?: string;
  a?: string;
  i?: string;
  t?: number;
  /** Breakpoints: a number, or one with its condition. */
  b?: (number | [number, string])[];
  r?: (number | [number, string])[];
  w?: Watch[];
  h?: HandChange[];
}

async function through(data: Uint8Array, stream: ReadableWritablePair<Uint8Array, Uint8Array>): Promise<Uint8Array> {
  const readable = new Blob([data as BlobPart]).stream().pipeThrough(stream as ReadableWritablePair);
  return new Uint8Array(await new Response(readable).arrayBuffer());
}

function packedBreaks(breaks: Breaks) {
  return breaks.size ? [...breaks].map(([key, condition]) => (condition ? ([key, condition] as [number, string]) : key)) : undefined;
}

function unpackedBreaks(value: unknown): Breaks {
  const found = new Map<number, string>();
  for (const one of Array.isArray(value) ? value : []) {
    const [key, condition] = Array.isArray(one) ? one : [one, ""];
    if (Number.isInteger(key) && typeof condition === "string") found.set(key, condition);
  }
  return found;
}

function unpackedWatches(value: unknown): Watch[] {
  const isWatch = (one: any) => typeof one?.address === "string" && Number.isInteger(one.at) && Number.isInteger(one.size) && ["w", "r", "rw"].includes(one.mode);
  return (Array.isArray(value) ? value : []).filter(isWatch).map(({ address, at, size, mode }) => ({ address, at, size, mode }));
}

function unpackedChanges(value: unknown): HandChange[] {
  const isChange = (one: any) => Number.isInteger(one?.time) && typeof one.what === "string" && typeof one.value === "string";
  return (Array.isArray(value) ? value : []).filter(isChange).map(({ time, what, value }) => ({ time, what, value }));
}

async function encoded(): Promise<string> {
  const state: State = {
    k: kind.value,
    n: name.value,
    s: text.value,
    o: settings.map((s) => s.value),
    c: compare.value || undefined,
    f: callee.value || undefined,
    g: signature.value || undefined,
    a: words.value || undefined,
    i: input.value || undefined,
    t: time.value || undefined,
    b: packedBreaks(lineBreaks.value),
    r: packedBreaks(rowBreaks.value),
    w: watches.value.length ? watches.value : undefined,
    h: changes.value.length ? changes.value : undefined,
  };
  const packed = await through(new TextEncoder().encode(JSON.stringify(state)), new CompressionStream("deflate-raw") as never);
  let binary = "";
  for (let at = 0; at < packed.length; at += 8192) binary += String.fromCharCode(...packed.subarray(at, at + 8192));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export async function link(): Promise<string> {
  return `${location.origin}${location.pathname}#${await encoded()}`;
}

const LONGEST = 1 << 20;

/** Take the state of an address over. Whether there was one. */
export async function restore(hash: string): Promise<boolean> {
  try {
    const binary = atob(hash.replace(/^#/, "").replaceAll("-", "+").replaceAll("_", "/"));
    if (!binary || binary.length > LONGEST) return false;
    const packed = Uint8Array.from(binary, (c) => c.charCodeAt(0));
    const state = JSON.parse(new TextDecoder().decode(await through(packed, new DecompressionStream("deflate-raw") as never))) as State;
    if (typeof state.s !== "string" || !["c", "c++", "assembly", "hex"].includes(state.k)) return false;
    const string = (value: unknown) => (typeof value === "string" ? value : "");
    batch(() => {
      kind.value = state.k as never;
      name.value = string(state.n) || "source.c";
      text.value = state.s;
      state.o?.slice(0, 2).forEach((own: any, side) => (settings[side].value = { opt: string(own?.opt) || "-O0", target: string(own?.target) || "linux", flags: string(own?.flags) }));
      compare.value = state.c === true;
      callee.value = string(state.f);
      signature.value = string(state.g);
      words.value = string(state.a);
      input.value = string(state.i);
      lineBreaks.value = unpackedBreaks(state.b);
      rowBreaks.value = unpackedBreaks(state.r);
      watches.value = unpackedWatches(state.w);
      takeChanges(unpackedChanges(state.h));
      wanted.value = Number.isInteger(state.t) ? state.t! : null;
      replaced.value++;
    });
    return true;
  } catch {
    return false;
  }
}

/** Keep the address up to date. */
export function watchLink() {
  let timer = 0;
  effect(() => {
    [kind, name, text, compare, callee, signature, words, input, time, lineBreaks, rowBreaks, watches, changes, ...settings].forEach((s) => s.value);
    clearTimeout(timer);
    timer = window.setTimeout(async () => history.replaceState(null, "", `#${await encoded()}`), 400);
  });
}
