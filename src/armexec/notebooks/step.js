// The widget of a session: a slider over time, the code with its source, registers, memory.
//
// Python gives what each instruction changes, so nothing is asked for when the slider moves. Python's session is told
// the time when it rests.

const PART = 512;
const STYLE = `
.armexec-step { --mark: #0b5c82; --changed: #c2410c; font: 13px/1.45 system-ui, sans-serif; color: inherit;
  border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: 8px; padding: 8px; box-sizing: border-box; }
.armexec-step:focus-visible, .armexec-step :focus-visible { outline: 2px solid var(--mark); outline-offset: 1px; }
.armexec-step .bar { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; margin-bottom: 8px; }
.armexec-step button, .armexec-step select { font: inherit; color: inherit; background: transparent; padding: 2px 9px;
  border: 1px solid color-mix(in srgb, currentColor 30%, transparent); border-radius: 6px; cursor: pointer; }
.armexec-step select option { color: initial; }
.armexec-step button:disabled { opacity: 0.45; cursor: default; }
.armexec-step input[type="range"] { flex: 1; min-width: 120px; accent-color: var(--mark); }
.armexec-step .name, .armexec-step .now b { font-weight: 600; }
.armexec-step .now { margin-bottom: 8px; min-height: 1.5em; }
.armexec-step .outcome { margin-left: auto; }
.armexec-step .panes { display: grid; grid-template-columns: minmax(0, 1.4fr) minmax(0, 0.9fr) minmax(0, 1.2fr); gap: 8px; }
.armexec-step .pane { height: 320px; overflow: auto; border: 1px solid color-mix(in srgb, currentColor 18%, transparent);
  border-radius: 6px; padding: 4px 6px; position: relative; }
.armexec-step code, .armexec-step .pane, .armexec-step .now { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12px; }
.armexec-step .row { display: flex; gap: 8px; white-space: pre; border-left: 3px solid transparent; padding-left: 3px; }
.armexec-step .row .quiet, .armexec-step .quiet { opacity: 0.65; }
.armexec-step .line { white-space: pre; opacity: 0.75; padding-top: 3px; }
.armexec-step .title { font-weight: 600; padding-top: 4px; }
.armexec-step .here { background: color-mix(in srgb, var(--mark) 24%, transparent); border-left-color: var(--mark); }
.armexec-step .line.here { opacity: 1; border-left: 0; }
.armexec-step .value { margin-left: auto; }
.armexec-step .meaning { min-width: 5.5em; }
.armexec-step .zero { opacity: 0.6; }
.armexec-step .zero .quiet { opacity: 1; }
.armexec-step .changed { background: color-mix(in srgb, var(--changed) 22%, transparent); opacity: 1; font-weight: 600; }
.armexec-step .changed .value::before { content: "◆ "; color: var(--changed); }
@media (max-width: 760px) { .armexec-step .panes { grid-template-columns: minmax(0, 1fr); } .armexec-step .pane { height: 220px; } }
@container armexec (max-width: 700px) { .armexec-step .panes { grid-template-columns: minmax(0, 1fr); } .armexec-step .pane { height: 220px; } }
`;
const VIEWS = {
  hex: (value) => value.toString(16).padStart(16, "0"),
  signed: (value) => BigInt.asIntN(64, value).toString(),
  unsigned: (value) => value.toString(),
  "32-bit signed": (value) => BigInt.asIntN(32, value).toString(),
};

/** A new element with a class and a text. */
function element(name, className = "", text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

/** The run: registers and memory at any time. */
class Run {
  constructor(data) {
    this.data = data;
    this.slot = Object.fromEntries(data.slots.map((name, index) => [name, index]));
    this.windows = data.memory.map(([name, address, hex]) => ({ name, begin: BigInt(`0x${address}`), bytes: bytesOf(hex) }));
    this.time = 0;
    this.changedBytes = new Set();
    this.rowAt = new Map(data.rows.map((row, index) => [row[0], index]));
  }

  /** What the instruction that was executed as the number `time` has changed. */
  step(time) {
    return this.data.parts[Math.floor(time / PART)].steps[time % PART];
  }

  /** The offset of the instruction that is next at a time; null at the end. */
  pc(time) {
    return time < this.data.end ? this.data.parts[Math.floor(time / PART)].pcs[time % PART] : null;
  }

  row(time) {
    const pc = this.pc(time);
    return pc === null ? -1 : (this.rowAt.get(pc) ?? -1);
  }

  line(time) {
    const row = this.row(time);
    return row < 0 ? -1 : this.data.rows[row][3];
  }

  /** Go to a time. Memory is carried along from the time before. */
  goto(time) {
    while (this.time < time) this.apply(this.step(this.time++), 2);
    while (this.time > time) this.apply(this.step(--this.time), 1);
    const part = this.data.parts[Math.floor(time / PART)];
    const registers = part.registers.slice();
    for (let n = 0; n < time - part.begin; n++) {
      const changes = part.steps[n][0];
      for (let i = 0; i < changes.length; i += 2) registers[changes[i]] = changes[i + 1];
    }
    this.registers = registers.map((text) => BigInt(`0x${text}`));
    const [changed, memory = []] = time > 0 ? this.step(time - 1) : [[]];
    this.changed = new Set(changed.filter((_, index) => index % 2 === 0));
    this.changedBytes = new Set();
    for (let i = 0; i < memory.length; i += 3)
      for (let n = 0; n < memory[i + 2].length / 2; n++) this.changedBytes.add(BigInt(`0x${memory[i]}`) + BigInt(n));
  }

  /** Write the bytes that an instruction has changed: `which` is 2 for the new ones, 1 for the old. */
  apply([, memory = []], which) {
    for (let i = 0; i < memory.length; i += 3) {
      const begin = BigInt(`0x${memory[i]}`);
      const bytes = bytesOf(memory[i + which]);
      for (const window of this.windows)
        bytes.forEach((byte, n) => {
          const at = Number(begin + BigInt(n) - window.begin);
          if (at >= 0 && at < window.bytes.length) window.bytes[at] = byte;
        });
    }
  }

  /** The next time, or the last one before, at another source line. */
  otherLine(time, forwards) {
    const here = this.line(time);
    if (forwards) {
      for (let t = time + 1; t < this.data.end; t++) if (this.line(t) >= 0 && this.line(t) !== here) return t;
      return this.data.end;
    }
    let t = time - 1;
    while (t > 0 && this.line(t) < 0) t--;
    const line = t >= 0 ? this.line(t) : -1;
    while (t > 0 && this.line(t - 1) === line) t--;
    return Math.max(t, 0);
  }
}

function bytesOf(hex) {
  return Uint8Array.from({ length: hex.length / 2 }, (_, n) => parseInt(hex.slice(2 * n, 2 * n + 2), 16));
}

/** The code, with source lines and names of functions between; `show(row)` marks an instruction. */
function codePane(data, go) {
  const pane = element("div", "pane code");
  pane.tabIndex = 0;
  pane.setAttribute("role", "region");
  pane.setAttribute("aria-label", "Instructions");
  const rows = [];
  const lines = [];
  let name = -1;
  let line = -1;
  let lineElement = null;
  for (const [offset, word, text, number, index] of data.rows) {
    if (index !== name) {
      pane.append(element("div", "title", `${data.functions[index]}:`));
      [name, line] = [index, -1];
      lineElement = null;
    }
    if (number >= 0 && number !== line) {
      const [, at, source] = data.lines[number];
      lineElement = element("div", "line", `${at}  ${source}`);
      pane.append(lineElement);
      line = number;
    }
    const row = element("div", "row");
    row.title = word;
    row.append(element("span", "quiet", offset.toString(16).padStart(4)), element("span", "", text));
    row.addEventListener("click", () => go(offset));
    pane.append(row);
    rows.push(row);
    lines.push(lineElement);
  }
  let marked = [];
  const show = (index) => {
    for (const one of marked) one.classList.remove("here");
    marked = index < 0 ? [] : [rows[index], lines[index]].filter(Boolean);
    for (const one of marked) one.classList.add("here");
    if (index < 0) return;
    // The pane alone is scrolled, and not the notebook.
    const [top, bottom] = [rows[index].offsetTop - 40, rows[index].offsetTop + rows[index].offsetHeight + 20];
    if (top < pane.scrollTop) pane.scrollTop = top;
    else if (bottom > pane.scrollTop + pane.clientHeight) pane.scrollTop = bottom - pane.clientHeight;
  };
  return { pane, show };
}

/** The registers; those that are never used are left out. */
function registerPane(run) {
  const { data } = run;
  const pane = element("div", "pane registers");
  pane.tabIndex = 0;
  pane.setAttribute("role", "region");
  pane.setAttribute("aria-label", "Registers");
  const used = new Set();
  for (const part of data.parts) {
    part.registers.forEach((text, slot) => text !== "0" && used.add(slot));
    for (const [changes] of part.steps) for (let i = 0; i < changes.length; i += 2) used.add(changes[i]);
  }
  used.delete(run.slot.pc);
  const order = [run.slot.nzcv, run.slot.sp, ...[...used].sort((a, b) => a - b)];
  const rows = [...new Set(order)].map((slot) => {
    const name = data.slots[slot];
    const row = element("div", "row");
    row.dataset.register = name;
    const value = element("span", "value");
    row.append(element("span", "", name), value);
    pane.append(row);
    return { name, slot, row, value };
  });
  const show = (view) => {
    for (const { name, slot, row, value } of rows) {
      const now = run.registers[slot];
      if (name === "nzcv") value.textContent = [..."NZCV"].map((flag, n) => ((now >> BigInt(3 - n)) & 1n ? flag : flag.toLowerCase())).join("");
      else if (name[0] === "v") value.textContent = now.toString(16).padStart(32, "0");
      else value.textContent = name === "sp" ? VIEWS.hex(now) : VIEWS[view](now);
      row.classList.toggle("zero", now === 0n);
      row.classList.toggle("changed", run.changed.has(slot));
    }
  };
  return { pane, show };
}

/** The stack and other memory, in words of 8 bytes. */
function memoryPane(run) {
  const pane = element("div", "pane memory");
  pane.tabIndex = 0;
  pane.setAttribute("role", "region");
  pane.setAttribute("aria-label", "Memory");
  const rows = [];
  run.windows.forEach((window, index) => {
    pane.append(element("div", "title", window.name || `0x${window.begin.toString(16)}`));
    for (let at = 0; at < window.bytes.length; at += 8) {
      const row = element("div", "row");
      const [who, where, value, meaning] = [element("span", "who quiet"), element("span", "where"), element("span", "value"), element("span", "meaning quiet")];
      row.append(where, who, value, meaning);
      pane.append(row);
      rows.push({ window, index, at, row, who, where, value, meaning });
    }
  });
  const show = () => {
    const sp = run.registers[run.slot.sp];
    for (const { window, index, at, row, who, where, value, meaning } of rows) {
      const address = window.begin + BigInt(at);
      const bytes = window.bytes.slice(at, at + 8);
      const word = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
      const distance = index ? BigInt(at) : address - sp;
      where.textContent = `${index ? "" : "sp"}${distance < 0n ? "" : "+"}${distance}`.padEnd(6);
      who.textContent = run.data.slots.filter((name, slot) => /^x\d+$|^sp$/.test(name) && run.registers[slot] === address).join(" ");
      value.textContent = VIEWS.hex(word);
      const low = BigInt.asIntN(32, word);
      const high = BigInt.asIntN(32, word >> 32n);
      const small = (n) => n > -1_000_000n && n < 1_000_000n;
      meaning.textContent = word === 0n ? "" : high === 0n || word === BigInt.asUintN(64, low) ? `${low}` : small(low) && small(high) ? `${low}, ${high}` : "";
      row.classList.toggle("zero", word === 0n || (!index && address < sp));
      row.classList.toggle("changed", bytes.some((_, n) => run.changedBytes.has(address + BigInt(n))));
    }
  };
  return { pane, show };
}

function render({ model, el }) {
  const data = model.get("data");
  const run = new Run(data);
  const host = element("div");
  host.style.cssText = "container: armexec / inline-size; width: 100%";
  const root = element("div", "armexec-step");
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `${data.name}, step by step: the arrow keys go forwards and back`);
  const style = element("style", "", STYLE);

  const bar = element("div", "bar");
  const buttons = {};
  const button = (key, text, title, act) => {
    const made = (buttons[key] = element("button", key, text));
    made.type = "button";
    made.title = title;
    made.setAttribute("aria-label", title);
    made.addEventListener("click", act);
    return made;
  };
  const slider = element("input");
  Object.assign(slider, { type: "range", min: 0, max: data.end, step: 1, value: 0 });
  slider.setAttribute("aria-label", "Time: how many instructions were executed");
  slider.addEventListener("input", () => to(Number(slider.value)));
  const label = element("span", "time");
  const view = element("select");
  view.setAttribute("aria-label", "Numbers");
  for (const name of Object.keys(VIEWS)) view.append(new Option(name));
  view.addEventListener("change", () => draw());
  bar.append(
    element("span", "name", data.name),
    button("first", "|◀", "To the beginning (Home)", () => to(0)),
    button("line-back", "↑ line", "Back to the source line before (Shift+←)", () => to(run.otherLine(time, false))),
    button("back", "◀ back", "One instruction back (←)", () => to(time - 1)),
    button("step", "step ▶", "One instruction forwards (→)", () => to(time + 1)),
    button("line", "line ↓", "To the next source line (Shift+→)", () => to(run.otherLine(time, true))),
    button("last", "▶|", "To the end (End)", () => to(data.end)),
    slider,
    label,
    view,
  );
  const now = element("div", "now");
  now.setAttribute("aria-live", "polite");
  const outcome = element("span", "outcome", data.outcome);
  const panes = element("div", "panes");
  const code = codePane(data, (offset) => {
    // The next time at that instruction, else the first one.
    for (const [begin, end] of [[time + 1, data.end], [0, time]])
      for (let t = begin; t < end; t++) if (run.pc(t) === offset) return to(t);
  });
  const registers = registerPane(run);
  const memory = memoryPane(run);
  panes.append(code.pane, registers.pane, memory.pane);
  root.append(bar, now, panes);
  host.append(style, root);
  el.append(host);

  let time = 0;
  let waiting = 0;
  function draw() {
    run.goto(time);
    slider.value = time;
    label.textContent = `${time} of ${data.end}`;
    for (const key of ["first", "line-back", "back"]) buttons[key].disabled = time === 0;
    for (const key of ["step", "line", "last"]) buttons[key].disabled = time === data.end;
    const row = run.row(time);
    now.replaceChildren();
    if (row >= 0) {
      const [, , text, line, index] = data.rows[row];
      now.append(element("b", "", text), element("span", "quiet", `   in ${data.functions[index]}`));
      if (line >= 0) now.append(element("span", "quiet", `, line ${data.lines[line][1]}:  `), element("span", "", data.lines[line][2].trim()));
    } else now.append(outcome);
    code.show(row);
    registers.show(view.value);
    memory.show();
  }
  /** Go to a time, and tell Python when the slider rests. */
  function to(wanted) {
    const next = Math.min(Math.max(wanted, 0), data.end);
    if (next === time) return;
    time = next;
    draw();
    clearTimeout(waiting);
    waiting = setTimeout(tell, 100);
  }
  function tell() {
    waiting = 0;
    model.set("time", time);
    model.save_changes();
  }
  const keys = {
    ArrowRight: (shift) => (shift ? run.otherLine(time, true) : time + 1),
    ArrowLeft: (shift) => (shift ? run.otherLine(time, false) : time - 1),
    PageDown: () => time + 10,
    PageUp: () => time - 10,
    Home: () => 0,
    End: () => data.end,
  };
  root.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.altKey || event.ctrlKey || event.metaKey || event.target === view) return;
    // The notebook has other plans with these keys, and so has the slider.
    event.preventDefault();
    event.stopPropagation();
    to(act(event.shiftKey));
  });
  const changed = () => {
    if (waiting) return;
    time = Math.min(Math.max(model.get("time"), 0), data.end);
    draw();
  };
  model.on("change:time", changed);
  changed();
  return () => {
    clearTimeout(waiting);
    model.off("change:time", changed);
  };
}

export default { render };
