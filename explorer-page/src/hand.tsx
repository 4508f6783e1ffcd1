// Changes by hand: a register or memory becomes another one at a time, and the call goes on from there.

import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { changeByHand, changes, goTo, running, summary, time, undoChange } from "./call";

interface Form {
  what: string;
  value: string;
}

const form = signal<Form | null>(null);
const why = signal("");

/** Ask what is to be changed. */
export function askChange(what = "", value = "") {
  if (!summary.value) return;
  why.value = "";
  form.value = { what, value };
}

export function HandDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const shown = form.value;
  const busy = running.value;
  useLayoutEffect(() => {
    if (!shown || dialog.current?.open) return;
    dialog.current?.showModal();
    const fields = dialog.current!.querySelectorAll("input");
    fields[shown.what ? 1 : 0].select();
  }, [shown]);
  if (!shown) return null;
  const submit = async (event: Event) => {
    event.preventDefault();
    why.value = "";
    why.value = await changeByHand(shown.what.trim(), shown.value.trim());
    if (!why.value) dialog.current?.close();
  };
  return (
    <dialog ref={dialog} class="sheet change" aria-label="Change by hand" onClose={() => (form.value = null)}>
      <header>
        <h2>Change by hand at time {time.value.toLocaleString()}</h2>
        <button onClick={() => dialog.current?.close()}>Cancel</button>
      </header>
      <form onSubmit={submit}>
        <label>
          <span>what</span>
          <input aria-label="What is changed" value={shown.what} onInput={(e) => (form.value = { ...shown, what: e.currentTarget.value })} placeholder="x0, d3, nzcv, u32[sp + 12]" spellcheck={false} autocomplete="off" />
        </label>
        <label>
          <span>becomes</span>
          <input aria-label="What it becomes" value={shown.value} onInput={(e) => (form.value = { ...shown, value: e.currentTarget.value })} placeholder="5, 0x10, x1 + 8, 1.5" spellcheck={false} autocomplete="off" />
        </label>
        {why.value && (
          <p class="bad" role="alert">
            ✕ {why.value}
          </p>
        )}
        <p class="quiet">The call is made once more up to this time, takes the change, and goes on. What was later is forgotten.</p>
        <button class="main" type="submit" disabled={busy || !shown.what.trim() || !shown.value.trim()}>
          {busy ? "Running…" : "Change and go on"}
        </button>
      </form>
    </dialog>
  );
}

/** Says that what is shown isn't what the code alone does. */
export function HandNotice() {
  const made = summary.value?.changes ?? [];
  if (!made.length || !changes.value.length) return null;
  return (
    <div class="hand" role="note" aria-label="Changes by hand">
      <b>✎ changed by hand:</b>
      {made.map((one, index) => (
        <button key={index} class="quiet" onClick={() => goTo(one.time)} title="Go to the time of the change">
          at {one.time.toLocaleString()}: {one.what} = {one.value}
        </button>
      ))}
      <span>what follows is new</span>
      <button onClick={undoChange}>Undo the last</button>
    </div>
  );
}
