// The list of jobs: filtered, sorted, searched.

import { ask, type Job } from "./api";
import { fill, h, table } from "./dom";
import { date } from "./format";
import type { View } from "./main";

const ORDERS: { [name: string]: (one: Job, other: Job) => number } = {
  "newest first": (one, other) => other.number - one.number,
  "oldest first": (one, other) => one.number - other.number,
  "closes soonest": (one, other) => one.windows.close - other.windows.close,
  "most submissions": (one, other) => other.submitted - one.submitted,
  "best base model": (one, other) => (other.base?.score ?? -1) - (one.base?.score ?? -1),
};

export function jobsView(): View {
  let jobs: Job[] = [];
  const search = h("input", { type: "search", id: "search", autocomplete: "off" });
  const stage = h("select", { id: "stage" });
  const kind = h("select", { id: "kind" });
  const order = h("select", { id: "order" }, options(Object.keys(ORDERS)));
  const list = h("div", { id: "jobs" }, [h("p", {}, ["Reading the jobs …"])]);
  const show = () => fill(list, listed(jobs, chosen(jobs)));
  const chosen = (all: Job[]) =>
    all
      .filter((job) => matches(job, search.value, stage.value, kind.value))
      .sort(ORDERS[order.value] ?? (() => 0));
  for (const control of [search, stage, kind, order]) control.addEventListener("input", show);

  const element = h("section", {}, [
    h("h1", {}, ["Jobs"]),
    h("form", { class: "filters", role: "search" }, [
      field("Search", search),
      field("Stage", stage),
      field("Kind", kind),
      field("Order", order),
    ], { submit: (event) => event.preventDefault() }),
    list,
  ]);
  return {
    title: "Jobs",
    element,
    async refresh() {
      jobs = await ask<Job[]>("jobs");
      choices(stage, jobs.map((job) => job.stage));
      choices(kind, jobs.map((job) => job.words.kind));
      show();
    },
  };
}

export function field(label: string, control: HTMLElement): HTMLElement {
  return h("div", { class: "field" }, [h("label", { for: control.id }, [label]), control]);
}

export function options(values: string[]): HTMLOptionElement[] {
  return values.map((value) => h("option", { value }, [value]));
}

/** Offers what occurs, and keeps what was chosen. */
function choices(select: HTMLSelectElement, values: string[]): void {
  const chosen = select.value;
  const distinct = [...new Set([...values, ...(chosen ? [chosen] : [])])].sort();
  fill(select, h("option", { value: "" }, ["all"]), ...options(distinct));
  select.value = chosen;
}

function matches(job: Job, search: string, stage: string, kind: string): boolean {
  const text = `${job.number} ${job.words.title} ${job.job} ${job.sponsor} ${job.words.wants}`;
  return (
    text.toLowerCase().includes(search.trim().toLowerCase()) &&
    (!stage || job.stage === stage) &&
    (!kind || job.words.kind === kind)
  );
}

function listed(all: Job[], chosen: Job[]): HTMLElement {
  if (all.length === 0) {
    return h("p", { class: "empty" }, [
      "No job has been opened yet; ",
      h("code", {}, ["deml job open"]),
      " opens one.",
    ]);
  }
  if (chosen.length === 0) {
    return h("p", { class: "empty" }, ["No job matches: change the search or the filters."]);
  }
  const columns = ["Job", "Wants", "Pays", "Costs at most", "Kind", "Stage", "Models", "Closes"];
  const rows = chosen.map((job) => [
    h("a", { href: `#/job/${job.number}` }, [`${job.number}: ${job.words.title}`]),
    job.words.wants,
    job.words.pays,
    job.words.costs,
    job.words.kind,
    stageBadge(job.stage),
    String(job.submitted),
    h("time", { title: date(job.windows.close) }, [job.words.closes]),
  ]);
  return table(`${chosen.length} of ${all.length}`, columns, rows);
}

export function stageBadge(stage: string): HTMLElement {
  return h("span", { class: "badge", "data-stage": stage }, [stage]);
}
