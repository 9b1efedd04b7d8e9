// Reminds of models that were sealed in this browser and are not revealed yet, on every view:
// whoever is late loses the bond.

import { ask, type JobDetail, Unanswered } from "./api";
import { fill, h } from "./dom";
import { date } from "./format";
import * as kept from "./kept";

export const reminders = h("div", { id: "reminders", role: "status" });

/** Jobs that have nothing to remind of any more. */
const over = new Set<string>();

/** Looks again at what is to be revealed. */
export async function remind(): Promise<void> {
  const lines: { words: string; isDue: boolean; number: number }[] = [];
  for (const { account, job: name } of kept.allSealed()) {
    const place = `${account} ${name}`;
    if (over.has(place)) continue;
    const job = await ask<JobDetail>(`jobs/${name}`).catch((error) => {
      if (error instanceof Unanswered && error.by === "refused") over.add(place);
      return null;
    });
    if (!job) continue;
    const { close, reveal_until: until } = job.windows;
    if (job.now >= until || ["settled", "cancelled"].includes(job.stage)) over.add(place);
    const isOwn = (client: string) => client.toLowerCase() === account;
    const own = job.submission_list.find((one) => isOwn(one.client) && one.state === "sealed");
    if (!own || job.now >= until) continue;
    const isDue = job.now >= close;
    const words = isDue
      ? `Reveal your model of job ${job.number} now: after ${date(until)} its bond is lost.`
      : `Your model of job ${job.number} is sealed: reveal it between ${date(close)} and ${date(until)}.`;
    lines.push({ words, isDue, number: job.number });
  }
  const items = lines.map(({ words, isDue, number }) =>
    h("p", { class: "reminder", "data-due": String(isDue) }, [
      words,
      " ",
      h("a", { href: `#/job/${number}` }, [`Go to job ${number}`]),
    ]),
  );
  // What has not changed is not said again.
  if (items.map((item) => item.textContent).join("") === reminders.textContent) return;
  fill(reminders, ...items);
  document.title = document.title.replace(/^\(!\) /, "");
  if (lines.some(({ isDue }) => isDue)) document.title = `(!) ${document.title}`;
}
