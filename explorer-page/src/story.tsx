// How the code came into memory; what the program has written.

import { effect, signal } from "@preact/signals";
import { callee, summary, time } from "./call";
import { InputOf } from "./run";
import { builds } from "./state";
import { Tabs } from "./tabs";

const tab = signal("Story");

effect(() => {
  // A program's output is what one looks for.
  if (builds[0].value.built?.program && callee.value === "") tab.value = "Output";
});

export function StoryPane() {
  return (
    <section class="pane story" aria-label="Story and output">
      <header class="bar">
        <Tabs names={["Story", "Output"]} tab={tab} label="Story and output" />
      </header>
      <div class="body" tabIndex={0} role="region" aria-label={tab.value === "Story" ? "How the code came into memory" : "Output of the call"}>
        {tab.value === "Story" ? <Story /> : <Output />}
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
