// The page: which view is shown, and whether what it shows is fresh.

import { accountView } from "./account";
import { ask, type Status, Unanswered } from "./api";
import { fill, h, refocus } from "./dom";
import { forgetEvents } from "./events";
import { jobView } from "./job";
import { jobsView } from "./jobs";
import { openingView } from "./opening";
import { remind, reminders } from "./reminder";
import "./style.css";
import { forget, verifyView } from "./verify";
import { discover } from "./wallet";

export interface View {
  title: string;
  element: HTMLElement;
  /** Reads and shows anew. */
  refresh(): Promise<void>;
  leave?(): void;
}

/** Pause between two questions whether there is anything new. */
const PAUSE_MS = 2_000;

/** A view is not older than this: time passes and claims are accepted without any input. */
const AGE_MS = 10_000;

const main = document.querySelector("main") as HTMLElement;
const status = document.querySelector("#status") as HTMLElement;
const trouble = h("p", { role: "alert", id: "trouble" });
const notice = h("p", { role: "alert", id: "reorganised", hidden: true }, [
  "Ethereum replaced its last blocks, and what was only in them has not happened. ",
  "Everything is read anew; look again at what was just sent.",
]);

let view: View | null = null;
/** What the view shows, as inputs that the node had processed, and since when. */
let shown = -1;
let shownAt = 0;

function route(): View {
  const job = /^#\/job\/(\w+)$/.exec(location.hash);
  if (job?.[1]) return jobView(job[1]);
  if (location.hash === "#/open") return openingView();
  if (location.hash === "#/account") return accountView();
  if (location.hash === "#/verify") return verifyView();
  return jobsView();
}

function open(): void {
  notice.hidden = true;
  if (location.hash === "#main") return;
  view?.leave?.();
  view = route();
  shown = -1;
  document.title = `${view.title} · DeML`;
  for (const link of document.querySelectorAll("nav a")) {
    const isHere = link.getAttribute("href") === (location.hash || "#/");
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  trouble.hidden = true;
  fill(main, trouble, notice, reminders, view.element);
  look();
}

let looking = false;

/** Ethereum's newest block when it was asked last. */
let head: [number, string] | null = null;

/** Ethereum replaced its last blocks: what was read from them may never have been. */
function startOver(): void {
  forgetEvents();
  forget();
  shown = -1;
  notice.hidden = false;
}

/** Asks how far the node is, and shows the view anew if that is further. */
async function look(): Promise<void> {
  if (looking) return;
  looking = true;
  const current = view;
  try {
    const question = head ? `status/${head[0]}/${head[1]}` : "status";
    const { processed_inputs, head: newest, is_reorganised } = await ask<Status>(question);
    head = newest;
    if (is_reorganised) startOver();
    if (current && (shown !== processed_inputs || Date.now() - shownAt > AGE_MS)) {
      await keepingFocus(() => current.refresh());
      await remind();
      if (current === view) [shown, shownAt] = [processed_inputs, Date.now()];
    }
    say("live", `Live, ${processed_inputs} ${processed_inputs === 1 ? "input" : "inputs"}`);
    trouble.hidden = true;
  } catch (error) {
    explain(error);
  }
  looking = false;
  // The view was changed meanwhile.
  if (current !== view) look();
}

/** Shows anew, and gives the focus back to what it was on if that was replaced. */
async function keepingFocus(refresh: () => Promise<void>): Promise<void> {
  const before = document.activeElement;
  await refresh();
  refocus(before);
}

function explain(error: unknown): void {
  if (error instanceof Unanswered && error.by === "refused") {
    say("live", "Live");
    fill(trouble, error.message);
  } else if (error instanceof Unanswered) {
    say(error.by === "page" ? "away" : "down", "Reconnecting …");
    const stale = shown >= 0 ? " What is shown is from before." : "";
    fill(trouble, `${error.message}.${stale} Asking again every few seconds.`);
  } else {
    say("down", "Failed");
    fill(trouble, `The page failed: ${error instanceof Error ? error.message : error}`);
  }
  trouble.hidden = false;
}

function say(state: string, words: string): void {
  if (status.dataset.state === state && status.textContent === words) return;
  status.dataset.state = state;
  fill(status, words);
}

addEventListener("hashchange", () => {
  open();
  if (location.hash !== "#main") main.focus();
});
discover();
open();
setInterval(look, PAUSE_MS);
