import { render } from "preact";
import { App, take } from "./app";
import { watchBuild, watchTime } from "./call";
import { watchChosen } from "./explain";
import { restore, watchLink } from "./link";
import { ask } from "./server";
import { hello, load, watchSource } from "./state";
import type { Hello } from "./types";

async function begin() {
  const place = document.getElementById("page")!;
  place.replaceChildren();
  const [told, restored] = await Promise.all([ask<Hello>("hello"), restore(location.hash)]);
  if (!restored) {
    if (told.opened) load(told.opened);
    else take(told.examples[0]);
  }
  hello.value = told;
  render(<App />, place);
  watchSource();
  watchBuild();
  watchChosen();
  watchTime();
  watchLink();
  addEventListener("hashchange", () => void restore(location.hash));
}

begin().catch((error) => {
  const place = document.getElementById("page")!;
  place.textContent = error instanceof Error ? error.message : String(error);
});
