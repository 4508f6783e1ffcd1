// The stack with its frames, and memory at any address.

import { signal } from "@preact/signals";
import { addressOf, buildOffset, changedBytes, goTo, goToWrite, handMarks, looked, MEMORY_BYTES, registers, SLOTS, SP, summary, where } from "./call";
import { printable, word64 } from "./numbers";
import { askChange } from "./hand";
import { Delta } from "./registers";
import { Tabs } from "./tabs";
import { rowsOf } from "./state";
import type { Frame } from "./types";

const tab = signal("Stack");

export function MemoryPane() {
  return (
    <section class="pane memory" aria-label="Memory">
      <header class="bar">
        <Tabs names={["Stack", "Memory"]} tab={tab} label="Memory" />
        <span class="spring" />
        {tab.value === "Memory" && (
          <input class="where" aria-label="Address: a register or a number" value={where.value} onInput={(e) => (where.value = e.currentTarget.value)} placeholder="sp + 16, x0, 0x7f…" spellcheck={false} />
        )}
      </header>
      <div class="body" tabIndex={0} role="region" aria-label={tab.value === "Stack" ? "The stack" : "Memory at an address"}>
        {tab.value === "Stack" ? <Stack /> : <Bytes />}
      </div>
    </section>
  );
}

/** The memory that was looked at, from an address on. */
function bytesAt(address: string): string | undefined {
  return looked.value?.memory.find((range) => range[0] === address)?.[1];
}

function pointers(address: bigint, state: string[]): string[] {
  const found = [];
  for (const slot of [SP, ...Array.from({ length: 31 }, (_, n) => n)]) if (state[slot] !== "0" && BigInt(`0x${state[slot]}`) === address) found.push(SLOTS[slot]);
  return found;
}

/** What a value may be, for people. */
function meaning(value: bigint): string {
  const of = summary.value;
  if (!of) return "";
  const pc = value - BigInt(`0x${of.base}`);
  if (pc >= 0n && pc < 1n << 32n) {
    const offset = buildOffset(Number(pc));
    const row = offset < 0 ? -1 : rowsOf(0).findIndex((r) => r[0] === offset);
    if (row > 0) return rowsOf(0)[row][3] ? `→ line ${rowsOf(0)[row][3]}` : `→ +${offset.toString(16)}`;
  }
  const signed = BigInt.asIntN(64, value);
  if (signed > -100_000n && signed < 1n << 32n) return signed.toString();
  const [low, high] = [BigInt.asIntN(32, value), BigInt.asIntN(32, value >> 32n)];
  if (low > -100_000n && low < 100_000_000n && high > -100_000n && high < 100_000_000n) return `${low}, ${high}`;
  return "";
}

function Word({ address, bytes, state }: { address: bigint; bytes: string; state: string[] }) {
  const text = address.toString(16);
  const value = word64(bytes);
  const own = Array.from({ length: 8 }, (_, i) => (address + BigInt(i)).toString(16));
  const hand = own.some((at) => handMarks.value.has(at));
  const changed = hand || own.some((at) => changedBytes.value.has(at));
  const names = pointers(address, state);
  const sp = BigInt(`0x${state[SP]}`);
  const distance = address - sp;
  return (
    <div class={`slot ${changed ? "changed" : ""}`}>
      <span class="who">{names.join(" ")}</span>
      <button onClick={() => goToWrite({ address: text, size: 8 })} title={`${text}: who wrote this? Go there`}>
        sp+{distance.toString()}
      </button>
      <span class="value" title="Double click: change it" onDblClick={() => askChange(`u64[sp + ${distance}]`, value === null ? "" : `0x${value.toString(16)}`)}>
        {changed && <Delta hand={hand} />}
        {value === null ? "unreadable" : value.toString(16).padStart(16, "0")}
      </span>
      <span class="meaning">{value === null ? "" : meaning(value)}</span>
    </div>
  );
}

function Stack() {
  const state = registers.value;
  const now = looked.value;
  if (!state || !now) return <p class="empty">The stack of the call appears here.</p>;
  const sp = BigInt(`0x${state[SP]}`);
  const bytes = bytesAt(state[SP]);
  if (bytes === undefined) return <p class="empty">…</p>;
  const slots = (low: bigint, high: bigint) => {
    const found = [];
    for (let at = low; at < high && Number(at - sp) * 2 + 16 <= bytes.length; at += 8n) found.push(at);
    return found;
  };
  const words = (low: bigint, high: bigint) => slots(low, high).map((at) => <Word key={at.toString()} address={at} bytes={bytes.slice(Number(at - sp) * 2, Number(at - sp) * 2 + 16)} state={state} />);
  const outermost = now.frames.at(-1);
  const above = outermost ? BigInt(`0x${outermost.high}`) : sp;
  const frames = now.frames.map((frame) => ({ frame, low: BigInt(`0x${frame.low}`), high: BigInt(`0x${frame.high}`) }));
  return (
    <div class="stack">
      {frames.map(({ frame, low, high }, index) => (
        <div class="frame" key={index}>
          <FrameTitle frame={frame} inner={index === 0} size={Number(high - low)} />
          {words(low, high)}
        </div>
      ))}
      <div class="frame outside">
        <div class="frame-title">above the call</div>
        {words(above, above + 32n)}
      </div>
    </div>
  );
}

function FrameTitle({ frame, inner, size }: { frame: Frame; inner: boolean; size: number }) {
  const place = frame.line ? `line ${frame.line}` : "";
  return (
    <div class="frame-title">
      {inner ? "▶ " : ""}
      <b>{frame.name}</b> {place} <span class="quiet">{size > 0 ? `${size} bytes` : "no frame yet"}</span>
      {frame.begin !== null && (
        <button class="quiet" onClick={() => goTo(frame.begin!)} title="Go to the instruction that called it">
          called at {frame.begin.toLocaleString()}
        </button>
      )}
    </div>
  );
}

/** An address by the register that is nearest: in another run it is another number. */
function named(address: bigint, state: string[]): string {
  let best = "";
  let nearest = 1n << 20n;
  for (const slot of [SP, ...Array.from({ length: 31 }, (_, n) => n)]) {
    const distance = address - BigInt(`0x${state[slot]}`);
    const size = distance < 0n ? -distance : distance;
    if (size >= nearest) continue;
    nearest = size;
    best = distance === 0n ? SLOTS[slot] : `${SLOTS[slot]} ${distance < 0n ? "-" : "+"} ${size}`;
  }
  return best || `0x${address.toString(16)}`;
}

function Bytes() {
  const state = registers.value;
  const address = addressOf(where.value, state);
  if (!state) return <p class="empty">Memory appears here.</p>;
  if (address === null) return <p class="empty">Write a register or a number, such as sp + 16.</p>;
  const begin = address & ~15n;
  const bytes = bytesAt(begin.toString(16));
  if (bytes === undefined) return <p class="empty">…</p>;
  const rows = [];
  for (let at = 0; at < MEMORY_BYTES; at += 8) rows.push(at);
  return (
    <div class="dump">
      {rows.map((at) => {
        const line = bytes.slice(at * 2, at * 2 + 16).match(/../g) ?? [];
        const here = begin + BigInt(at);
        return (
          <div class="dump-row" key={at}>
            <button onClick={() => goToWrite({ address: here.toString(16), size: 8 })} title="Who wrote these bytes? Go there">
              {here.toString(16)}
            </button>
            <span class="bytes">
              {line.map((byte, index) => {
                const own = (here + BigInt(index)).toString(16);
                const changed = changedBytes.value.has(own) || handMarks.value.has(own);
                return (
                  <span key={index} class={`${changed ? "changed" : ""} ${here + BigInt(index) === address ? "pointed" : ""}`} onDblClick={() => askChange(`u8[${named(here + BigInt(index), state)}]`, `0x${byte}`)}>
                    {byte}
                  </span>
                );
              })}
            </span>
            <span class="ascii">{line.map((byte) => (byte === ".." ? " " : printable(parseInt(byte, 16)))).join("")}</span>
          </div>
        );
      })}
    </div>
  );
}
