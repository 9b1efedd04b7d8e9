// All events of the market so far, read once and then only what is new.

import { ask, type Event, type Events } from "./api";

const known: Event[] = [];
let next = 0;
let reading: Promise<void> | null = null;

/** The events of a job, in order. */
export async function eventsOf(job: string): Promise<Event[]> {
  reading ??= read().finally(() => {
    reading = null;
  });
  await reading;
  return known.filter((event) => event.job === job);
}

/** Forgets them: blocks were replaced. */
export function forgetEvents(): void {
  known.length = 0;
  next = 0;
}

async function read(): Promise<void> {
  for (;;) {
    const page = await ask<Events>(`events/${next}`);
    known.push(...page.events);
    next = page.next;
    if (page.is_all) return;
  }
}
