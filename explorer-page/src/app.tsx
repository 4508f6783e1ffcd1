// The page: its head, its panes, its keys.

import { batch, effect, signal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { callee, goTo, goToViolation, input, signature, takeChanges, time, wanted, words } from "./call";
import { Code } from "./code";
import { Editor, focusEditor } from "./editor";
import { Explain, page, PageDialog } from "./explain";
import { askChange, HandDialog } from "./hand";
import { link } from "./link";
import { MemoryPane } from "./memory";
import { Registers } from "./registers";
import { CallBar, keyOf, TimeBar } from "./run";
import { connection } from "./server";
import { compare, exampleOf, hello, kind, kindOfName, load, name, NAMES, notice, tell, text } from "./state";
import { addWatch, editCondition } from "./stops";
import { StoryPane } from "./story";
import type { Example, Kind } from "./types";

// -- the theme ---------------------------------------------------------------------------------------------------------

type Theme = "system" | "light" | "dark";
const theme = signal<Theme>((localStorage.getItem("theme") as Theme | null) ?? "system");
effect(() => {
  document.documentElement.dataset.theme = theme.value;
  localStorage.setItem("theme", theme.value);
});

// -- sizes -------------------------------------------------------------------------------------------------------------

const across = signal(Number(localStorage.getItem("across")) || 38);
const down = signal(Number(localStorage.getItem("down")) || 55);
effect(() => {
  localStorage.setItem("across", String(across.value));
  localStorage.setItem("down", String(down.value));
});

function Splitter({ vertical, size, label }: { vertical: boolean; size: typeof across; label: string }) {
  const set = (value: number) => (size.value = Math.min(Math.max(value, 15), 85));
  const drag = (event: PointerEvent) => {
    const element = event.currentTarget as HTMLElement;
    const area = element.parentElement!.getBoundingClientRect();
    element.setPointerCapture(event.pointerId);
    element.onpointermove = (e) => set(vertical ? ((e.clientX - area.left) / area.width) * 100 : ((e.clientY - area.top) / area.height) * 100);
    element.onpointerup = () => (element.onpointermove = null);
  };
  const keys = (event: KeyboardEvent) => {
    const [less, greater] = vertical ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    if (event.key !== less && event.key !== greater) return;
    event.preventDefault();
    event.stopPropagation();
    set(size.value + (event.key === less ? -3 : 3));
  };
  return (
    <div
      class={`splitter ${vertical ? "vertical" : "horizontal"}`}
      role="separator"
      aria-orientation={vertical ? "vertical" : "horizontal"}
      aria-label={label}
      aria-valuenow={Math.round(size.value)}
      aria-valuemin={15}
      aria-valuemax={85}
      tabIndex={0}
      onPointerDown={drag}
      onKeyDown={keys}
      onDblClick={() => set(vertical ? 38 : 54)}
    />
  );
}

// -- the head ----------------------------------------------------------------------------------------------------------

export function take(example: Example) {
  batch(() => {
    load(example);
    callee.value = example.function ?? "";
    signature.value = example.signature ?? "";
    words.value = example.arguments;
    input.value = example.input ?? "";
    wanted.value = 0;
    takeChanges([]);
    goTo(0);
  });
}

function Head() {
  const file = useRef<HTMLInputElement>(null);
  const open = async () => {
    const chosen = file.current?.files?.[0];
    if (!chosen) return;
    if (chosen.size > 1_000_000) {
      tell("That file is too large for the page");
      return;
    }
    const text = await chosen.text();
    batch(() => {
      load({ kind: kindOfName(chosen.name), name: chosen.name, text });
      callee.value = signature.value = "";
      takeChanges([]);
    });
    file.current!.value = "";
  };
  const save = () => {
    const url = URL.createObjectURL(new Blob([text.value], { type: "text/plain" }));
    const anchor = Object.assign(document.createElement("a"), { href: url, download: name.value });
    anchor.click();
    URL.revokeObjectURL(url);
  };
  const copyLink = async () => {
    try {
      await navigator.clipboard.writeText(await link());
      tell("The link is copied. It opens where this armexec explore runs, and with: armexec explore LINK");
    } catch {
      tell("The browser doesn't allow to copy here: the link is the page's address");
    }
  };
  return (
    <header class="head">
      <h1>
        <img src="static/icon.svg" alt="" width="22" height="22" /> armexec
      </h1>
      <select
        class="examples"
        aria-label="Examples"
        value=""
        onChange={(e) => {
          const example = exampleOf(e.currentTarget.value);
          e.currentTarget.value = "";
          if (example) take(example);
        }}
      >
        <option value="" disabled hidden>
          Examples
        </option>
        {hello.value?.examples.map((example) => (
          <option key={example.title}>{example.title}</option>
        ))}
      </select>
      <button onClick={() => file.current?.click()}>Open</button>
      <input ref={file} type="file" hidden onChange={open} accept=".c,.h,.cc,.cpp,.cxx,.s,.S,.asm,.hex,.txt" aria-label="A file to open" />
      <button onClick={save}>Save</button>
      <button onClick={copyLink}>Copy link</button>
      <span class="spring" />
      {connection.value && <span class="bad">{connection.value}</span>}
      <span class="notice" role="status" aria-live="polite">
        {notice.value}
      </span>
      <select class="quiet" aria-label="Theme" value={theme.value} onChange={(e) => (theme.value = e.currentTarget.value as Theme)}>
        <option value="system">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
      <button class="quiet" onClick={showKeys} title="Keys (?)" aria-label="Keys">
        ?
      </button>
    </header>
  );
}

const KEYS = `Everywhere but in the editor and in fields:
  .  ,        one instruction forwards, back
  l  L        another source line forwards, back
  n  f        over a call; out of the function
  c  C        to the next, to the last breakpoint or watched access
  v  V        to the next, to the last violation of the calling
              convention
  B           the condition of a breakpoint at the instruction
  w           watch memory
  =           change a register or memory by hand
  0  $        to the beginning, to the end
  e           to the editor
  i           to the instructions
  ?           this

In the list of instructions:
  ↑ ↓ Home End    another instruction, with its fields
  Enter           to its source line
  b               breakpoint
  g               to the next time that it is executed
  t               to the target of the branch
  p               its reference page

In the editor:
  F9              breakpoint
  Ctrl-Space      complete a mnemonic
  Tab             leaves the editor

In the slider: arrows, Page Up, Page Down, Home, End.

A register's name, an address of the stack or of memory: to the
instruction that wrote it last.`;

function showKeys() {
  page.value = { title: "Keys", text: KEYS };
}

const KIND_NAMES: [Kind, string][] = [
  ["c", "C"],
  ["c++", "C++"],
  ["assembly", "Assembly"],
  ["hex", "Words"],
];

function Source() {
  const change = (to: Kind) => {
    const stem = name.value.replace(/\.[^.]*$/, "");
    batch(() => {
      kind.value = to;
      name.value = (stem || "source") + NAMES[to].slice(NAMES[to].lastIndexOf("."));
      signature.value = "";
    });
  };
  return (
    <section class="pane source" aria-label="Source">
      <header class="bar">
        <span class="choice" role="group" aria-label="Language">
          {KIND_NAMES.map(([of, label]) => (
            <button key={of} aria-pressed={kind.value === of} onClick={() => change(of)}>
              {label}
            </button>
          ))}
        </span>
        <span class="spring" />
        <span class="file quiet">{name.value}</span>
      </header>
      <Editor />
    </section>
  );
}

function keys(event: KeyboardEvent) {
  const target = event.target as HTMLElement;
  if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (target.closest(".cm-editor, textarea, select, input:not([type=range]):not([type=checkbox])")) return;
  if (event.key === "?") showKeys();
  else if (event.key === "e") focusEditor();
  else if (event.key === "v" || event.key === "V") goToViolation(event.key === "V");
  else if (event.key === "B") editCondition();
  else if (event.key === "w") addWatch();
  else if (event.key === "=") askChange();
  else if (event.key === "i") document.querySelector<HTMLElement>("[role=option][tabindex='0']")?.focus();
  else {
    const act = keyOf(event.key);
    if (!act) return;
    act();
  }
  event.preventDefault();
}

/** What changes with the time is drawn anew, and not all of the page. */
function Main({ children }: { children: preact.ComponentChildren }) {
  const area = useRef<HTMLElement>(null);
  useSignalEffect(() => {
    const style = area.current!.style;
    style.setProperty("--across", `${across.value}%`);
    style.setProperty("--down", `${down.value}%`);
  });
  useSignalEffect(() => {
    area.current!.dataset.time = String(time.value);
  });
  return <main ref={area}>{children}</main>;
}

export function App() {
  useEffect(() => {
    document.addEventListener("keydown", keys);
    return () => document.removeEventListener("keydown", keys);
  }, []);
  return (
    <>
      <Head />
      <Main>
        <div class={`top ${compare.value ? "compared" : ""}`}>
          <Source />
          <Splitter vertical size={across} label="Width of the editor" />
          <div class="codes">
            <div class="sides">
              <Code side={0} />
              {compare.value && <Code side={1} />}
            </div>
            <Explain />
          </div>
        </div>
        <Splitter vertical={false} size={down} label="Height of the upper half" />
        <div class="bottom">
          <CallBar />
          <TimeBar />
          <div class="panes">
            <Registers />
            <MemoryPane />
            <StoryPane />
          </div>
        </div>
      </Main>
      <PageDialog />
      <HandDialog />
    </>
  );
}
