// The instruction below the pointer or the focus: its fields in its word, its meaning, its page.

import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ask, Refused } from "./server";
import { builds, chosen, rowsOf } from "./state";
import type { Explanation } from "./types";

const explained = signal<Explanation | null>(null);
const lit = signal<string[]>([]);
const known = new Map<number, Explanation>();
export const page = signal<{ title: string; text: string } | null>(null);

export function watchChosen() {
  let timer = 0;
  effect(() => {
    const of = chosen.value;
    builds[0].value;
    const row = of ? rowsOf(of.side)[of.row] : rowsOf(0)[0];
    clearTimeout(timer);
    if (!row) return;
    const word = row[1];
    const found = known.get(word);
    if (found) {
      explained.value = found;
      return;
    }
    timer = window.setTimeout(async () => {
      try {
        const answer = await ask<Explanation>("explain", { word });
        known.set(word, answer);
        const now = chosen.peek();
        if (!now || rowsOf(now.side)[now.row]?.[1] === word) explained.value = answer;
      } catch {
        // What it is isn't known: the old one stays.
      }
    }, 30);
  });
}

export async function openPage(word: number) {
  page.value = { title: "Reference", text: "…" };
  try {
    const found = await ask<{ text: string }>("page", { word });
    page.value = { title: found.text.split("\n")[0], text: found.text.split("\n").slice(1).join("\n").trim() };
  } catch (error) {
    page.value = { title: "Reference", text: error instanceof Refused ? error.failure.message : String(error) };
  }
}

function bits(value: number, width: number) {
  return value.toString(2).padStart(width, "0");
}

function Fields({ of }: { of: Explanation }) {
  return (
    <div class="fields" role="img" aria-label={of.fields.map(([name, low, width, value]) => `${name || "fixed bits"}, bits ${low + width - 1} to ${low}: ${value}`).join("; ")}>
      {of.fields.map(([name, low, width, value, fixed]) => (
        <div key={low} class={`field ${fixed ? "fixed" : "free"} ${name && lit.value.includes(name) ? "lit" : ""}`} style={`flex-grow:${width}`}>
          <span class="places">{width > 1 ? `${low + width - 1}…${low}` : low}</span>
          <span class="bits">{bits(value, width)}</span>
          <span class="label">
            {name || " "}
            {!fixed && <i> = {value}</i>}
          </span>
        </div>
      ))}
    </div>
  );
}

function list(names: string[] | undefined) {
  return names?.length ? names.join(", ") : "nothing";
}

export function Explain() {
  const of = explained.value;
  if (!of)
    return (
      <section class="explain" aria-label="The instruction">
        <span class="quiet">What an instruction means appears here.</span>
      </section>
    );
  return (
    <section class="explain" aria-label="The instruction">
      <div class="meaning">
        <code class="full">{of.text}</code>
        <span class="summary">{of.summary}</span>
        {of.name && (
          <button class="quiet" onClick={() => openPage(of.word)} title="The page of this instruction (p)">
            Reference
          </button>
        )}
      </div>
      {of.fields.length > 0 && <Fields of={of} />}
      {of.name && (
        <div class="facts">
          {of.operands.map(([text, fields], index) => (
            <span key={index} class="operand" onMouseEnter={() => (lit.value = fields)} onMouseLeave={() => (lit.value = [])}>
              <code>{text}</code>
              {fields.length > 0 && <> from {fields.join(", ")}</>}
            </span>
          ))}
          <span>
            reads {list(of.reads)} · writes {list(of.writes)}
            {of.feature ? ` · ${of.feature}` : ""} · {of.encoding}
          </span>
        </div>
      )}
    </section>
  );
}

export function PageDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const shown = page.value;
  useEffect(() => {
    if (shown && !dialog.current?.open) dialog.current?.showModal();
  }, [shown]);
  if (!shown) return null;
  return (
    <dialog ref={dialog} class="sheet" aria-label={shown.title} onClose={() => (page.value = null)} onClick={(e) => e.target === dialog.current && dialog.current?.close()}>
      <header>
        <h2>{shown.title}</h2>
        <button onClick={() => dialog.current?.close()}>Close</button>
      </header>
      <pre tabIndex={0}>{shown.text}</pre>
    </dialog>
  );
}
