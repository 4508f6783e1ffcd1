// What breaks the calling convention: a list, and where it leads to.

import { buildOffset, goTo, summary, time, violations } from "./call";
import { builds, rowsOf } from "./state";
import { side } from "./tabs";
import type { Violation } from "./types";

function placeOf(one: Violation): string {
  const offset = buildOffset(one.pc);
  const row = offset < 0 ? undefined : rowsOf(0).find((r) => r[0] === offset);
  return row ? `${offset.toString(16)}: ${row[2]}${row[3] ? `, line ${row[3]}` : ""}` : one.instruction;
}

/** Beside the result: how many there are. */
export function ViolationCount() {
  const count = violations.value.length;
  if (!count) return null;
  return (
    <button class="violation-count" onClick={() => (side.value = "Convention")} title="Show what breaks the calling convention (v, V go there)">
      ⚠ {count} violation{count === 1 ? "" : "s"} of the calling convention
    </button>
  );
}

export function Convention() {
  const of = summary.value;
  if (!of) return <p class="empty">What breaks the calling convention appears here.</p>;
  const all = violations.value;
  const program = builds[0].value.built?.program && !of.signature;
  return (
    <div class="convention">
      {all.length > 0 && (
        <ul>
          {all.map((one, index) => (
            <li key={index}>
              <button class={`violation ${one.time === time.value ? "current" : ""}`} aria-current={one.time === time.value ? "step" : undefined} onClick={() => goTo(one.time)}>
                <span class="rule">⚠ {one.rule}</span>
                <span class="place">
                  <code>{placeOf(one)}</code> <span class="quiet">· time {one.time.toLocaleString()}</span>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {!all.length && <p class="good">✓ {of.finished ? "This call keeps to the procedure call standard." : "What was executed keeps to the procedure call standard."}</p>}
      <p class="quiet">
        {of.finished
          ? program
            ? "Looked at: accesses below SP, and SP as the base of accesses. A program ends by its exit, so registers aren't compared."
            : "Looked at: x19 to x29, sp, the low halves of v8 to v15 and fpcr at the return; accesses below SP; SP as the base of accesses; x18 of Apple's code."
          : "The call hasn't returned, so the registers that it has to preserve aren't compared."}
      </p>
    </div>
  );
}
