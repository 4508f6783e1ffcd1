// The call and its time.

import { useRef } from "preact/hooks";
import { ViolationCount } from "./convention";
import { HandNotice } from "./hand";
import { auto, callee, failed, go, goTo, hereOffset, hereRow, input, looked, more, PC, registers, run, running, signature, stale, step, summary, time, violations, violationsNow, words } from "./call";
import { builds, rowsOf } from "./state";
import type { Result } from "./types";

export function CallBar() {
  const { built } = builds[0].value;
  const functions = built?.functions ?? [];
  const chosen = functions.find((f) => f.linkage === callee.value);
  const program = !!built?.program && callee.value === "";
  const result = summary.value?.result ?? summary.value?.fast;
  return (
    <div class="call">
      {(functions.length > 1 || built?.program) && (
        <select aria-label="Function" value={callee.value} onChange={(e) => (callee.value = e.currentTarget.value)}>
          {built?.program && <option value="">the program</option>}
          {functions
            .filter((f) => !(built?.program && f.linkage === "main"))
            .map((f) => (
              <option key={f.linkage} value={f.linkage}>
                {f.name}
              </option>
            ))}
        </select>
      )}
      {functions.length === 1 && !built?.program && <code class="callee">{functions[0].name}</code>}
      <label class="grow">
        <span class="name">{program ? "arguments" : "("}</span>
        <input aria-label="Arguments" value={words.value} onInput={(e) => (words.value = e.currentTarget.value)} placeholder={program ? "one two" : "3 0x10 [1,2,3] text"} spellcheck={false} />
        {!program && <span class="name">)</span>}
      </label>
      {!program && chosen && !chosen.signature && (
        <label>
          <span class="name">as</span>
          <input class="signature" aria-label="Signature" value={signature.value} onInput={(e) => (signature.value = e.currentTarget.value)} placeholder="int(int)" spellcheck={false} />
        </label>
      )}
      <span class="result" role="status" aria-live="polite">
        <Outcome />
        <ViolationCount />
        {result?.written &&
          Object.entries(result.written).map(([name, value]) => (
            <span key={name} class="written">
              {name} = {value}
            </span>
          ))}
      </span>
      <label class="tick" title="Run whenever something changes">
        <input type="checkbox" checked={auto.value} onChange={(e) => (auto.value = e.currentTarget.checked)} /> live
      </label>
      <button class="main" onClick={() => run()} disabled={!functions.length}>
        {running.value ? "Running…" : "Run"}
      </button>
    </div>
  );
}

function stopped({ error }: Result): string {
  if (error!.kind === "InstructionLimitExceeded") return "at full speed it still ran after 2,000,000,000, and was stopped";
  if (error!.kind === "TimeLimitExceeded") return "at full speed it still ran after a second, and was stopped";
  return `at full speed: ${error!.message.split("\n")[0]}`;
}

function Outcome() {
  const of = summary.value;
  const failure = failed.value;
  if (failure) return <span class="bad">✕ {failure.message.split("\n")[0]}</span>;
  if (!of) return <span class="quiet">{running.value ? "linking and running …" : "nothing has run yet"}</span>;
  const old = stale.value ? <span class="quiet"> (older than the source)</span> : null;
  if (of.error)
    return (
      <span class="bad" title={of.error.message}>
        ✕ {of.error.message.split("\n")[0]}
        {old}
      </span>
    );
  if (of.finished) {
    const { result } = of;
    return (
      <span class="good">
        {of.changes.length > 0 && <span title="The call was changed by hand">✎ </span>}
        {of.signature ? (result?.text ? <>= <b>{result.text}</b>{result.hex && result.hex.length > 3 ? <span class="quiet"> {result.hex}</span> : null}</> : "returned") : result?.text}
        {old}
      </span>
    );
  }
  return (
    <span class="warn">
      {of.fast && !of.fast.error && (
        <b>
          {of.signature ? "= " : ""}
          {of.fast.text}{" "}
        </b>
      )}
      {of.limit ? `■ ${of.end.toLocaleString()} instructions are recorded` : of.stop}
      {of.fast?.error ? `; ${stopped(of.fast)}` : of.fast ? `; the result is of another call, at full speed (${((of.fast.seconds ?? 0) * 1000).toFixed(1)} ms)` : ""}
      {of.limit && (
        <button class="quiet" onClick={more} disabled={running.value}>
          Record more
        </button>
      )}
      {old}
    </span>
  );
}

const shape = (path: string) => (
  <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" fill="currentColor">
    <path d={path} />
  </svg>
);

const BUTTONS: [preact.ComponentChildren, string, string, () => void][] = [
  [shape("M2 3h2v10H2zM13 3v10L5 8z"), "To the beginning", "0", () => goTo(0)],
  [<><span class="red">●</span>{shape("M14 3v10L8 8zM8 3v10L2 8z")}</>, "Back to a breakpoint", "C", () => void go("back")],
  ["↑ line", "Back to another line", "L", () => void go("back line")],
  [<>{shape("M12 3v10L4 8z")} back</>, "Back by an instruction", ",", () => step(-1)],
  [<>step {shape("M4 3v10l8-5z")}</>, "One instruction", ".", () => step(1)],
  ["over", "Over a call", "n", () => void go("next")],
  ["out", "To the return of this function", "f", () => void go("finish")],
  ["line ↓", "To another line", "l", () => void go("line")],
  [<>{shape("M2 3v10l6-5zM8 3v10l6-5z")}<span class="red">●</span></>, "To a breakpoint", "c", () => void go("forwards")],
  [shape("M12 3h2v10h-2zM3 3v10l8-5z"), "To the end", "$", () => goTo(summary.value?.end ?? 0)],
];

export function keyOf(key: string): (() => void) | undefined {
  return BUTTONS.find((button) => button[2] === key)?.[3];
}

export function TimeBar() {
  const of = summary.value;
  const slider = useRef<HTMLInputElement>(null);
  const end = of?.end ?? 0;
  const next = !of ? "" : time.value === end ? (of.finished ? "the end" : of.error ? "it can't go on" : "the recording ends") : hereRow.value >= 0 ? rowsOf(0)[hereRow.value][2] : hereOffset.value < 0 && registers.value ? `in ${looked.value?.time === time.value ? (looked.value.frames[0]?.name ?? "other code") : "other code"}, ${registers.value[PC]}` : "";
  const rules = violationsNow.value.map((one) => one.rule).join("; ");
  return (
    <div class="time">
      <div class="buttons" role="toolbar" aria-label="Time">
        {BUTTONS.map(([text, label, key, act]) => (
          <button key={key} onClick={act} disabled={!of} aria-label={label} title={`${label} (${key})`} aria-keyshortcuts={key}>
            {text}
          </button>
        ))}
      </div>
      <span class="slide">
        <input
          ref={slider}
          type="range"
          min={0}
          max={end}
          step={1}
          value={time.value}
          disabled={!of}
          aria-label="Time: instructions executed"
          aria-valuetext={`${time.value} of ${end}${next ? `, next ${next}` : ""}`}
          onInput={(e) => goTo(e.currentTarget.valueAsNumber)}
        />
        <Marks />
      </span>
      <output class="now">
        <b>{time.value.toLocaleString()}</b> of {end.toLocaleString()} <code>{next}</code>{" "}
        {rules && (
          <span class="wrong" title={rules}>
            ⚠ {rules}
          </span>
        )}
      </output>
      <HandNotice />
    </div>
  );
}

/** Where on the slider something is: what the list and the keys lead to, for the eyes and the pointer. */
function Marks() {
  const of = summary.value;
  if (!of || !of.end || !(violations.value.length || of.changes.length)) return null;
  const at = (time: number) => `left: calc(8px + (100% - 16px) * ${time / of.end})`;
  return (
    <span class="slide-marks" aria-hidden="true">
      {violations.value.map((one, index) => (
        <span key={index} class="wrong" style={at(one.time)} title={`${one.time}: ${one.rule}`} onClick={() => goTo(one.time)}>
          ⚠
        </span>
      ))}
      {of.changes.map((one, index) => (
        <span key={index} class="changed-here" style={at(one.time)} title={`${one.time}: ${one.what} = ${one.value}, by hand`} onClick={() => goTo(one.time)}>
          ✎
        </span>
      ))}
    </span>
  );
}

export function InputOf() {
  return (
    <label class="input">
      <span>standard input</span>
      <textarea aria-label="Standard input" value={input.value} onInput={(e) => (input.value = e.currentTarget.value)} rows={3} spellcheck={false} />
    </label>
  );
}
