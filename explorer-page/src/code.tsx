// The instructions: a list, each with its line, its offset, its word and its text.

import { Component } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { signal, useComputed, useSignalEffect } from "@preact/signals";
import { counts, goTo, goToRow, hereRow, violationsAt } from "./call";
import { copyAs, FORMATS } from "./copy";
import { showLine } from "./editor";
import { openPage } from "./explain";
import { editCondition } from "./stops";
import { ask, Refused } from "./server";
import { activeLine, builds, chosen, colours, compare, cursorLine, hoverLine, isCompiled, kind, request, rowBreaks, rowsOf, settings, tell, toggleRowBreak } from "./state";
import type { GuestFunction, Row } from "./types";

const MOST = 1500;
const all = signal(false);
type Shown = "code" | "listing";
const shown = signal<Shown>("code");

const OPTS = ["-O0", "-O1", "-O2", "-O3", "-Os", "-Oz", "-Og"];

function SettingsOf({ side }: { side: number }) {
  const own = settings[side];
  const change = (more: object) => (own.value = { ...own.value, ...more });
  const label = compare.value ? ` ${side === 0 ? "left" : "right"}` : "";
  return (
    <span class="settings">
      {isCompiled.value && (
        <select aria-label={`Optimization${label}`} value={own.value.opt} onChange={(e) => change({ opt: e.currentTarget.value })}>
          {OPTS.map((opt) => (
            <option key={opt}>{opt}</option>
          ))}
        </select>
      )}
      {kind.value !== "hex" && (
        <select aria-label={`Target${label}`} value={own.value.target} onChange={(e) => change({ target: e.currentTarget.value })}>
          {["linux", "apple", "bare"].map((target) => (
            <option key={target}>{target}</option>
          ))}
        </select>
      )}
      {isCompiled.value && (
        <input class="options" aria-label={`Compiler options${label}`} placeholder="-march=armv8.4-a …" title="Further options of the compiler" value={own.value.flags} onChange={(e) => change({ flags: e.currentTarget.value })} spellcheck={false} />
      )}
    </span>
  );
}

function Listing({ side }: { side: number }) {
  const listed = signal("…");
  const build = builds[side].value;
  useEffect(() => {
    let current = true;
    ask<{ text: string }>("listing", request(side)).then(
      (found) => current && (listed.value = found.text),
      (error) => current && (listed.value = error instanceof Refused ? error.failure.message : String(error)),
    );
    return () => void (current = false);
  }, [build.built]);
  return <ListingText text={listed} />;
}

function ListingText({ text }: { text: { value: string } }) {
  return (
    <pre class="listing" tabIndex={0} aria-label="Listing">
      {text.value}
    </pre>
  );
}

function choose(side: number, row: number) {
  chosen.value = { side, row };
}

function Lines({ side }: { side: number }) {
  const { built } = builds[side].value;
  const list = useRef<HTMLDivElement>(null);
  const rows = built?.rows ?? [];
  const own = chosen.value?.side === side ? chosen.value.row : -1;
  const into = (row: number) => list.current?.querySelector(`[data-row="${row}"]`)?.scrollIntoView({ block: "nearest" });

  // The time has moved: its instruction comes into view, and is what is explained.
  useSignalEffect(() => {
    const row = side === 0 ? hereRow.value : -1;
    if (row < 0) return;
    into(row);
    if (!list.current?.matches(":hover")) choose(0, row);
  });
  // What is linked comes into view, but not below the pointer.
  useSignalEffect(() => {
    const row = rowsOf(side).findIndex((r) => r[3] === activeLine.value);
    if (row >= 0 && hereRow.peek() < 0 && !list.current?.matches(":hover, :focus-within")) into(row);
  });
  useSignalEffect(() => {
    const row = rowsOf(side).findIndex((r) => r[3] === cursorLine.value);
    if (row >= 0 && !list.current?.matches(":hover, :focus-within")) into(row);
  });

  const move = (to: number) => {
    const row = Math.min(Math.max(to, 0), rows.length - 1);
    choose(side, row);
    list.current?.querySelector<HTMLElement>(`[data-row="${row}"]`)?.focus();
    hoverLine.value = rows[row]?.[3] ?? 0;
  };
  const keys = (event: KeyboardEvent) => {
    const at = own >= 0 ? own : 0;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    switch (event.key) {
      case "ArrowDown": move(at + 1); break;
      case "ArrowUp": move(at - 1); break;
      case "PageDown": move(at + 12); break;
      case "PageUp": move(at - 12); break;
      case "Home": move(0); break;
      case "End": move(rows.length - 1); break;
      case "Enter": if (rows[at]?.[3]) showLine(rows[at][3], true); break;
      case "B": editCondition(); break;
      case "F9": case "b": toggleRowBreak(rows[at][0]); break;
      case "g": void goToRow(rows[at][0]); break;
      case "p": openPage(rows[at][1]); break;
      case "t": if (rows[at][5] >= 0) jump(rows[at][5]); break;
      default: return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const jump = (offset: number) => {
    const to = rows.findIndex((row) => row[0] === offset);
    if (to >= 0) move(to);
    else tell("That is in other code");
  };

  const limit = all.value ? rows.length : MOST;
  const functions = new Map<number, GuestFunction>();
  built?.functions.forEach((f) => functions.has(f.first) || functions.set(f.first, f));
  const focusable = own >= 0 && own < rows.length ? own : 0;
  return (
    <div class={`rows ${builds[side].value.failure ? "old" : ""}`} ref={list} onMouseLeave={() => (hoverLine.value = 0)}>
      <div role="listbox" aria-label={`Instructions${side ? ", right" : ""}`} onKeyDown={keys} onBlur={() => (hoverLine.value = 0)}>
      {rows.slice(0, limit).map((row, index) => (
        <Line key={index} row={row} index={index} side={side} head={functions.get(index)} focusable={index === focusable} jump={jump} />
      ))}
      </div>
      {rows.length > limit && (
        <button class="more" onClick={() => (all.value = true)}>
          Show all {rows.length.toLocaleString()} instructions
        </button>
      )}
    </div>
  );
}

interface LineProps {
  row: Row;
  index: number;
  side: number;
  head?: GuestFunction;
  focusable: boolean;
  jump: (offset: number) => void;
}

/** A row that is drawn anew only when it is another one, or a signal says so. */
class Line extends Component<LineProps> {
  shouldComponentUpdate(next: LineProps) {
    const now = this.props;
    return next.row !== now.row || next.head !== now.head || next.focusable !== now.focusable;
  }
  render() {
    return <LineOf key={this.props.row} {...this.props} />;
  }
}

const BRANCH = /^(?:bl?|bc?\..+|cbn?z|tbn?z)$/;

function hex8(word: number) {
  return word.toString(16).toUpperCase().padStart(8, "0");
}

function LineOf({ row, index, side, head, focusable, jump }: LineProps) {
  const [offset, word, text, line, , target] = row;
  // Only the rows that change are drawn anew.
  const colour = useComputed(() => colours.value.get(line)).value;
  const linked = useComputed(() => line > 0 && line === activeLine.value).value;
  const here = useComputed(() => side === 0 && index === hereRow.value).value;
  const broken = useComputed(() => side === 0 && rowBreaks.value.has(offset)).value;
  const condition = useComputed(() => (side === 0 ? rowBreaks.value.get(offset) : "")).value;
  const wrong = useComputed(() => (side === 0 ? violationsAt.value.get(offset) : undefined)).value;
  const rules = wrong?.map((one) => one.rule).join("; ") ?? "";
  const count = useComputed(() => (side === 0 ? counts.value.get(offset) : undefined)).value;
  const selected = useComputed(() => chosen.value?.side === side && chosen.value.row === index).value;
  const space = text.indexOf(" ");
  const mnemonic = space < 0 ? text : text.slice(0, space);
  const classes = ["row"];
  if (colour !== undefined) classes.push("tint", `tint${colour}`);
  if (linked) classes.push("linked");
  if (here) classes.push("here");
  return (
    <>
      {head && (
        <div class="function" role="presentation" title={head.signature || head.linkage}>
          {head.name}:
        </div>
      )}
      <div
        class={classes.join(" ")}
        role="option"
        aria-selected={selected}
        aria-label={`${text}, word ${hex8(word)}${line ? `, line ${line}` : ""}${here ? ", next" : ""}${broken ? `, breakpoint${condition ? ` if ${condition}` : ""}` : ""}${rules ? `, breaks the calling convention: ${rules}` : ""}`}
        tabIndex={focusable ? 0 : -1}
        data-row={index}
        onMouseEnter={() => {
          hoverLine.value = line;
          choose(side, index);
        }}
        onFocus={() => {
          hoverLine.value = line;
          choose(side, index);
        }}
        onClick={(e) => e.currentTarget.focus()}
        onDblClick={() => line && showLine(line, true)}
      >
        <span class={`at ${broken ? "broken" : ""}`} onClick={() => side === 0 && toggleRowBreak(offset)} title={condition ? `Breakpoint if ${condition} (b)` : "Breakpoint (b)"}>
          {broken ? (condition ? "◐" : "●") : here ? "▶" : ""}
        </span>
        <span class="line">{line || ""}</span>
        <span class="offset">{offset.toString(16)}</span>
        <span class="word">{hex8(word)}</span>
        <span class="text">
          <b>{mnemonic}</b>
          {space < 0 ? "" : target >= 0 && BRANCH.test(mnemonic) ? <Target text={text.slice(space + 1)} go={() => jump(target)} /> : text.slice(space)}
        </span>
        <span class="count" title="How often this call executes it">
          {wrong && (
            <span class="wrong" title={rules} onClick={() => goTo(wrong[0].time)}>
              ⚠{" "}
            </span>
          )}
          {count ? `×${count.toLocaleString()}` : ""}
        </span>
      </div>
    </>
  );
}

function Target({ text, go }: { text: string; go: () => void }) {
  const last = text.lastIndexOf(" ") + 1;
  return (
    <>
      {" " + text.slice(0, last)}
      <span class="target" title="Go there (t)" onClick={(e) => (e.stopPropagation(), go())}>
        {text.slice(last)}
      </span>
    </>
  );
}

function CopyAs({ side }: { side: number }) {
  const copy = async (event: { currentTarget: HTMLSelectElement }) => {
    const format = event.currentTarget.value;
    event.currentTarget.value = "";
    const { built } = builds[side].value;
    if (!built || !format) return;
    try {
      await navigator.clipboard.writeText(copyAs(format, built, rowsOf(side)));
      tell(`Copied as ${format}`);
    } catch {
      tell("The browser doesn't allow to copy here");
    }
  };
  return (
    <select class="quiet copy" aria-label="Copy the instructions as" onChange={copy} value="">
      <option value="" disabled hidden>
        Copy as
      </option>
      {FORMATS.map((format) => (
        <option key={format}>{format}</option>
      ))}
    </select>
  );
}

export function Code({ side }: { side: number }) {
  const { built, busy, failure, took } = builds[side].value;
  const size = (built?.rows.length ?? 0) * 4;
  return (
    <section class="pane code" aria-label={compare.value ? `Instructions, ${side === 0 ? "left" : "right"}` : "Instructions"}>
      <header class="bar">
        <SettingsOf side={side} />
        <span class="spring" />
        {side === 0 && (
          <span class="choice" role="group" aria-label="What is shown">
            <button aria-pressed={shown.value === "code"} onClick={() => (shown.value = "code")}>
              Instructions
            </button>
            <button aria-pressed={shown.value === "listing"} onClick={() => (shown.value = "listing")}>
              Listing
            </button>
          </span>
        )}
        <CopyAs side={side} />
        {side === 0 && kind.value !== "hex" && (
          <button aria-pressed={compare.value} onClick={() => (compare.value = !compare.value)} title="Two settings side by side">
            Compare
          </button>
        )}
      </header>
      {shown.value === "listing" ? <Listing side={side} /> : <Lines side={side} />}
      <footer class="status">
        {failure ? (
          <span class="bad" title={failure.message}>
            ✕ {failure.diagnostics?.find((d) => d.severity.includes("error"))?.message.split("\n")[0] ?? failure.message.split("\n")[0]}
          </span>
        ) : built ? (
          <span title={built.how}>
            {built.how} · {built.rows.length.toLocaleString()} words, {size.toLocaleString()} bytes
            {built.truncated ? ", cut off" : ""}
          </span>
        ) : (
          <span>…</span>
        )}
        <span class="spring" />
        <span class="took" data-took={Math.round(took)}>
          {busy ? "…" : took ? `${Math.round(took)} ms` : ""}
        </span>
      </footer>
    </section>
  );
}
