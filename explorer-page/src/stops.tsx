// Where to stop: breakpoints with their conditions, and watched bytes.

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { addressOf, goToAccess, registers, summary, time } from "./call";
import { ask, latest } from "./server";
import { chosen, lineBreaks, rowBreaks, rowsOf, tell, watches, type Breaks } from "./state";
import { side } from "./tabs";
import type { Signal } from "@preact/signals";
import type { Watch } from "./types";

const MODES: [Watch["mode"], string][] = [
  ["w", "writes"],
  ["r", "reads"],
  ["rw", "accesses"],
];
const SIZES = [1, 2, 4, 8, 16, 64, 256];

/** The breakpoint whose condition is to have the focus as soon as it is there. */
const wanted = signal("");

/** To the condition of the breakpoint at the instruction that is chosen, which is set if there is none. */
export function editCondition() {
  const row = chosen.value?.side === 0 ? rowsOf(0)[chosen.value.row] : undefined;
  if (!row) {
    tell("Choose an instruction first");
    return;
  }
  const [offset, , , line] = row;
  const ofLine = !rowBreaks.value.has(offset) && lineBreaks.value.has(line);
  if (!ofLine && !rowBreaks.value.has(offset)) rowBreaks.value = new Map(rowBreaks.value).set(offset, "");
  side.value = "Breakpoints";
  wanted.value = ofLine ? `line ${line}` : `row ${offset}`;
}

export function addWatch() {
  side.value = "Breakpoints";
  wanted.value = "watch";
}

function useFocus(name: string) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (wanted.value !== name) return;
    wanted.value = "";
    input.current?.focus();
    input.current?.scrollIntoView({ block: "nearest" });
  }, [wanted.value]);
  return input;
}

interface Said {
  text: string;
  bad: boolean;
}

/** What an expression is now, or what is wrong with it. */
function useSaid(expression: string): Signal<Said> {
  const said = useRef(signal<Said>({ text: "", bad: false })).current;
  const examine = useRef(
    latest(async (text: string) => {
      try {
        const { value } = text.trim() ? await ask<{ value: string }>("check", { text, time: time.peek() }) : { value: "" };
        said.value = { text: value && `now ${value}`, bad: false };
      } catch (error) {
        said.value = { text: error instanceof Error ? error.message : String(error), bad: true };
      }
    }),
  ).current;
  useEffect(() => examine(expression), [expression, time.value, summary.value]);
  return said;
}

function Told({ of, id }: { of: Signal<Said>; id: string }) {
  return (
    <span class={of.value.bad ? "bad told" : "quiet told"} id={id} role={of.value.bad ? "alert" : undefined}>
      {of.value.bad ? "✕ " : ""}
      {of.value.text}
    </span>
  );
}

interface BreakProps {
  name: string;
  label: string;
  condition: string;
  change: (condition: string | null) => void;
}

function Break({ name, label, condition, change }: BreakProps) {
  const told = useSaid(condition);
  const input = useFocus(name);
  const id = name.replace(" ", "-");
  return (
    <li class="stop">
      <span class="red" aria-hidden="true">
        {condition ? "◐" : "●"}
      </span>
      <span class="label">{label}</span>
      <label class="if">
        if
        <input
          ref={input}
          aria-label={`Condition of the breakpoint at ${label}`}
          aria-invalid={told.value.bad}
          aria-describedby={id}
          placeholder="always, or x0 == 3"
          value={condition}
          onInput={(e) => change(e.currentTarget.value)}
          spellcheck={false}
          autocomplete="off"
        />
      </label>
      <button class="quiet" onClick={() => change(null)} aria-label={`Remove the breakpoint at ${label}`} title="Remove">
        ✕
      </button>
      <Told of={told} id={id} />
    </li>
  );
}

function changer(breaks: Signal<Breaks>, key: number) {
  return (condition: string | null) => {
    const next = new Map(breaks.value);
    if (condition === null) next.delete(key);
    else next.set(key, condition);
    breaks.value = next;
  };
}

function watchText(watch: Watch): string {
  return `${MODES.find((mode) => mode[0] === watch.mode)![1]} ${watch.size} byte${watch.size === 1 ? "" : "s"} at ${watch.address}`;
}

function Watched({ watch }: { watch: Watch }) {
  const text = watchText(watch);
  return (
    <li class="stop">
      <span class="red" aria-hidden="true">
        ◎
      </span>
      <span class="label">{text}</span>
      <span class="quiet" title="The address is that of this time">
        time {watch.at.toLocaleString()}
      </span>
      <span class="spring" />
      <button class="quiet" onClick={() => goToAccess(watch, true)} aria-label={`Last time before now that it ${text}`} title="The last access before now">
        ←
      </button>
      <button class="quiet" onClick={() => goToAccess(watch, false)} aria-label={`Next time that it ${text}`} title="The next access">
        →
      </button>
      <button class="quiet" onClick={() => (watches.value = watches.value.filter((one) => one !== watch))} aria-label={`Watch no more: ${text}`} title="Remove">
        ✕
      </button>
    </li>
  );
}

const address = signal("");
const size = signal(4);
const mode = signal<Watch["mode"]>("w");

function NewWatch() {
  const input = useFocus("watch");
  const told = useSaid(address.value);
  const add = (event: Event) => {
    event.preventDefault();
    if (!address.value.trim() || told.value.bad) return;
    if (addressOf(address.value, registers.value) !== null && /^\s*(0x)?[0-9a-f]+\s*$/i.test(address.value)) tell("An address is another one in another run; a register isn't");
    const watch = { address: address.value.trim(), at: time.value, size: size.value, mode: mode.value };
    watches.value = [...watches.value, watch];
    address.value = "";
    tell(`Watched: ${watchText(watch)}`);
  };
  return (
    <form class="new-watch" onSubmit={add}>
      <select aria-label="What is watched" value={mode.value} onChange={(e) => (mode.value = e.currentTarget.value as Watch["mode"])}>
        {MODES.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      <select aria-label="Bytes that are watched" value={size.value} onChange={(e) => (size.value = Number(e.currentTarget.value))}>
        {SIZES.map((bytes) => (
          <option key={bytes} value={bytes}>
            {bytes}
          </option>
        ))}
      </select>
      <label class="if">
        at
        <input ref={input} aria-label="Address to watch" aria-invalid={told.value.bad} aria-describedby="new-watch" placeholder="sp + 12, x0, a variable" value={address.value} onInput={(e) => (address.value = e.currentTarget.value)} spellcheck={false} autocomplete="off" />
      </label>
      <button type="submit" disabled={!address.value.trim() || told.value.bad}>
        Watch
      </button>
      <Told of={told} id="new-watch" />
    </form>
  );
}

export function Stops() {
  const lines = [...lineBreaks.value].sort((a, b) => a[0] - b[0]);
  const rows = [...rowBreaks.value].sort((a, b) => a[0] - b[0]);
  const texts = new Map(rowsOf(0).map((row) => [row[0], row[2]]));
  return (
    <div class="stops">
      <h2>Breakpoints</h2>
      {!lines.length && !rows.length && <p class="quiet">A click beside a line or an instruction sets one, and so do F9 and b. Go there: c, C.</p>}
      <ul>
        {lines.map(([line, condition]) => (
          <Break key={`line ${line}`} name={`line ${line}`} label={`line ${line}`} condition={condition} change={changer(lineBreaks, line)} />
        ))}
        {rows.map(([offset, condition]) => (
          <Break key={`row ${offset}`} name={`row ${offset}`} label={`${offset.toString(16)}: ${texts.get(offset) ?? "no instruction now"}`} condition={condition} change={changer(rowBreaks, offset)} />
        ))}
      </ul>
      <h2>Watched memory</h2>
      <ul>
        {watches.value.map((watch, index) => (
          <Watched key={index} watch={watch} />
        ))}
      </ul>
      <NewWatch />
      <p class="quiet hint">
        Registers: <code>x0</code> <code>w0</code> <code>sp</code> <code>d0</code>. Memory: <code>u32[sp + 12]</code>, <code>i8[x0]</code>, <code>f64[x1]</code>. Signed: <code>i32(w0) &lt; 0</code>. Also <code>and</code>, <code>or</code>, <code>not</code>.
      </p>
    </div>
  );
}
