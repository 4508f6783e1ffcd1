// The registers, in any view; what the last instruction has changed is marked.

import { signal } from "@preact/signals";
import { changedSlots, FPCR, goToWrite, handMarks, NZCV, registers, SLOTS, SP, V, X } from "./call";
import { GENERAL_VIEWS, general, GeneralView, LANES, lanes } from "./numbers";
import { askChange } from "./hand";
import { Tabs } from "./tabs";

const view = signal<GeneralView>("hex");
const lane = signal("4s hex");
const tab = signal("General");

function Register({ slot, text }: { slot: number; text: preact.ComponentChildren }) {
  const name = SLOTS[slot];
  const hand = handMarks.value.has(name);
  const changed = hand || changedSlots.value.has(slot);
  const zero = /^[0 ]*$/.test(String(text)) || text === "0";
  return (
    <div class={`register ${changed ? "changed" : ""} ${zero ? "zero" : ""}`} data-register={name}>
      <button onClick={() => goToWrite({ register: name })} title={`Who wrote ${name}? Go there`}>
        {name}
      </button>
      <span class="value" title="Double click: change it" onDblClick={() => askChange(name, `0x${registers.value![slot]}`)}>
        {changed && <Delta hand={hand} />}
        {text}
      </span>
    </div>
  );
}

function Flags({ value }: { value: number }) {
  const hand = handMarks.value.has("nzcv");
  const changed = hand || changedSlots.value.has(NZCV);
  return (
    <div class={`register flags ${changed ? "changed" : ""}`} data-register="nzcv">
      <button onClick={() => goToWrite({ register: "nzcv" })} title="Who wrote the flags? Go there">
        nzcv
      </button>
      <span class="value" title="Double click: change them" onDblClick={() => askChange("nzcv", `0x${value.toString(16)}`)}>
        {changed && <Delta hand={hand} />}
        {["N", "Z", "C", "V"].map((flag, index) => (
          <span key={flag} class={`flag ${(value >> (3 - index)) & 1 ? "set" : ""}`}>
            {flag}={(value >> (3 - index)) & 1}
          </span>
        ))}
      </span>
    </div>
  );
}

export function Delta({ hand }: { hand: boolean }) {
  return (
    <span class="delta" title={hand ? "It was changed by hand" : "The last instruction has changed it"}>
      {hand ? "✎" : "◆"}
    </span>
  );
}

export function Registers() {
  const state = registers.value;
  const vectors = tab.value === "Vectors";
  return (
    <section class="pane registers" aria-label="Registers">
      <header class="bar">
        <Tabs names={["General", "Vectors"]} tab={tab} label="Registers" />
        <span class="spring" />
        <button class="quiet" onClick={() => askChange()} disabled={!state} title="Change a register or memory by hand (=)">
          Change
        </button>
        {vectors ? (
          <select aria-label="Lanes" value={lane.value} onChange={(e) => (lane.value = e.currentTarget.value)}>
            {Object.keys(LANES).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        ) : (
          <select aria-label="Numbers" value={view.value} onChange={(e) => (view.value = e.currentTarget.value as GeneralView)}>
            {GENERAL_VIEWS.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      </header>
      <div class={`body ${vectors ? "vectors" : "generals"}`} tabIndex={0} role="region" aria-label={vectors ? "Vector registers" : "General registers"}>
        {!state ? (
          <p class="empty">The registers of the call appear here.</p>
        ) : vectors ? (
          <>
            {Array.from({ length: 32 }, (_, n) => (
              <Register
                key={n}
                slot={V + n}
                text={
                  state[V + n] === "0" ? "0" : (
                    <span class="lanes">
                      {lanes(state[V + n], lane.value).map((text, index) => (
                        <span key={index}>{text}</span>
                      ))}
                    </span>
                  )
                }
              />
            ))}
            <Register slot={FPCR} text={state[FPCR].padStart(8, "0")} />
            <Register slot={FPCR + 1} text={state[FPCR + 1].padStart(8, "0")} />
          </>
        ) : (
          <>
            <Flags value={parseInt(state[NZCV], 16)} />
            <Register slot={SP} text={general(state[SP], "hex")} />
            {Array.from({ length: 31 }, (_, n) => (
              <Register key={n} slot={X + n} text={general(state[X + n], view.value)} />
            ))}
          </>
        )}
      </div>
    </section>
  );
}
