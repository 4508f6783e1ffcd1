// How the code came into memory; what the program has written.

import { effect } from "@preact/signals";
import { callee, summary, time, violations } from "./call";
import { Convention } from "./convention";
import { InputOf } from "./run";
import { builds, lineBreaks, rowBreaks, watches } from "./state";
import { Stops } from "./stops";
import { side, Tabs } from "./tabs";

const LABELS: Record<string, string> = {
  Story: "How the code came into memory",
  Output: "Output of the call",
  Breakpoints: "Breakpoints and watched memory",
  Convention: "What breaks the calling convention",
};

effect(() => {
  // A program's output is what one looks for.
  if (builds[0].value.built?.program && callee.value === "") side.value = "Output";
});

export function StoryPane() {
  const stops = lineBreaks.value.size + rowBreaks.value.size + watches.value.length;
  const marks = { Breakpoints: stops ? String(stops) : "", Convention: violations.value.length ? `⚠${violations.value.length}` : "" };
  return (
    <section class="pane story" aria-label="Story, output, breakpoints, convention">
      <header class="bar">
        <Tabs names={Object.keys(LABELS)} tab={side} label="Story, output, breakpoints, convention" marks={marks} />
      </header>
      <div class="body" tabIndex={0} role="region" aria-label={LABELS[side.value]}>
        {side.value === "Story" ? <Story /> : side.value === "Output" ? <Output /> : side.value === "Breakpoints" ? <Stops /> : <Convention />}
      </div>
    </section>
  );
}

function Story() {
  const of = summary.value;
  if (!of) return <p class="empty">How the code comes into memory appears here.</p>;
  const both = of.steps.some((step) => step[3].includes("w") && step[3].includes("x"));
  return (
    <div class="steps">
      <ol>
        {of.steps.map(([call, address, size, protection, detail], index) => (
          <li key={index}>
            <b>{call}</b> <span class="size">{size ? `${size.toLocaleString()} bytes` : ""}</span>{" "}
            {protection && <code class={`rights ${protection.includes("x") ? "x" : protection.includes("w") ? "w" : ""}`}>{protection}</code>}
            <span class="quiet address">at {address}</span>
            {detail && <span class="quiet"> {detail}</span>}
          </li>
        ))}
        <li>
          <b>call</b> {of.signature || of.name}
        </li>
      </ol>
      <p class="quiet">{both ? "" : "No page was writable and executable at once. "}The words are read from these pages, and interpreted here; at full speed they are translated to this machine's own code.</p>
      <h2>Memory of the guest</h2>
      <ul>
        {of.regions.map(([begin, end, rights, name], index) => (
          <li key={index}>
            <code class="rights">{rights}</code> {begin}–{end} <span class="quiet">{name}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Output() {
  const of = summary.value;
  const program = builds[0].value.built?.program && callee.value === "";
  let now = of?.output ?? "";
  let later = "";
  if (of?.outputs.length) {
    const length = of.outputs.filter(([at]) => at <= time.value).at(-1)?.[1] ?? 0;
    later = now.slice(length);
    now = now.slice(0, length);
  }
  if (of?.fast?.output !== undefined && !of.finished) later = of.fast.output.slice(now.length);
  return (
    <div class="output">
      {program && <InputOf />}
      <pre aria-label="Output">
        {now}
        {later && <span class="later" title="Written later than the time that is shown">{later}</span>}
        {!now && !later && <span class="quiet">{of ? "no output" : ""}</span>}
      </pre>
      {later && <p class="quiet">What is pale is written later than this time.</p>}
    </div>
  );
}
