// One job: its terms in words, its dates, its models with their verdicts, and its scores.

import {
  ask,
  type BoardLine,
  type Event,
  type JobDetail,
  type Offer,
  type Rank,
  type Refusal,
  type Submission,
} from "./api";
import { chart } from "./chart";
import { type Child, code, fill, h, table } from "./dom";
import { eventsOf } from "./events";
import { dataPart } from "./explorer";
import { date, metric, percent } from "./format";
import { stageBadge } from "./jobs";
import { messagesPart } from "./messages";
import { modelPart } from "./model";
import { sponsorPart } from "./sponsor";
import * as transactions from "./transactions";
import { holds } from "./verify";
import type { View } from "./main";

const MARKS = {
  verified: "Verified in this browser against Ethereum.",
  lie: "The node shows this job otherwise than Ethereum's inputs make it: do not trust it.",
  told: "As the node tells it; not verified in this browser.",
};

export function jobView(number: string): View {
  const top = h("div", {}, [h("p", {}, [`Reading job ${number} …`])]);
  const scores = chart(number);
  const rest = h("div");
  const model = modelPart(number);
  const sponsor = sponsorPart();
  const messages = messagesPart(number);
  const data = dataPart(number);
  const mark = h("p", { class: "quiet", id: "mark" }, [MARKS.told]);
  const scoresSection = section("Scores over time", scores.element);
  // Shown at once when there is something to show, so that nothing jumps.
  const body = h("div", { hidden: true }, [
    mark,
    sponsor.element,
    scoresSection,
    model.element,
    messages.element,
    transactions.log,
    data.element,
    rest,
  ]);
  return {
    title: `Job ${number}`,
    element: h("article", {}, [top, body]),
    leave() {
      scores.leave();
      model.leave();
      sponsor.leave();
      messages.leave();
    },
    async refresh() {
      const job = await ask<JobDetail>(`jobs/${number}`);
      const events = await eventsOf(job.job);
      await data.show(job);
      fill(top, ...heading(job), section("Dates", timeline(job)));
      body.hidden = false;
      scores.show(events);
      model.show(job);
      messages.show();
      const isOpen = rest.querySelector("details")?.open ?? false;
      fill(
        rest,
        section("Leaderboard", ...leaderboard(job.ranking, job.terms.offer)),
        job.board.length > 0 && section("Board on the public slice", board(job.board)),
        section("Submissions", submissions(job.submission_list)),
        section("Terms", terms(job)),
        section("Events", history(events, isOpen)),
      );
      await sponsor.show(job);
      await marked(mark, number, job);
    },
  };
}

/** Says whether what is shown was verified here, or is as the node tells it. */
async function marked(mark: HTMLElement, number: string, job: JobDetail): Promise<void> {
  let newest: JobDetail | null = job;
  const isTrue = await holds(async () => {
    const { ranking, submission_list: all, ...view } = newest ?? (await ask<JobDetail>(`jobs/${number}`));
    newest = null;
    return [
      [`jobs/${view.number}`, view],
      [`jobs/${view.number}/submissions?from=0&limit=100`, all.slice(0, 100)],
      [`jobs/${view.number}/leaderboard?from=0&limit=100`, ranking.slice(0, 100)],
    ];
  });
  const states = { true: "verified", false: "lie", null: "told" } as const;
  const state = states[`${isTrue}`];
  mark.dataset.state = state;
  if (mark.textContent !== MARKS[state]) fill(mark, MARKS[state]);
}

function section(title: string, ...children: Child[]): HTMLElement {
  return h("section", {}, [h("h2", {}, [title]), ...children]);
}

function heading(job: JobDetail): Child[] {
  const facts: [string, Child][] = [
    ["Wants", job.words.wants],
    ["Pays", job.words.pays],
    ["Costs at most", job.words.costs],
    ["Closes", `${date(job.windows.close)} (${job.words.closes})`],
    ["Kind", job.words.kind],
    ["Sponsor", code(job.sponsor)],
  ];
  return [
    h("h1", {}, [`${job.number}: ${job.words.title} `, stageBadge(job.stage)]),
    h(
      "dl",
      { class: "facts" },
      facts.map(([name, fact]) => h("div", {}, [h("dt", {}, [name]), h("dd", {}, [fact])])),
    ),
  ];
}

/** Dates in their order, those that are over marked so. */
function timeline(job: JobDetail): HTMLElement {
  const dates = [...job.dates].sort((one, other) => one.at - other.at);
  return h(
    "ol",
    { class: "timeline" },
    dates.map(({ name, at, words }) =>
      h("li", { class: at <= job.now ? "over" : "ahead" }, [
        h("strong", {}, [name]),
        ` ${date(at)} `,
        h("span", { class: "quiet" }, [`(${words})`]),
      ]),
    ),
  );
}

function leaderboard(ranking: Rank[], offer: Offer): HTMLElement[] {
  const [counted, others] = [
    ranking.filter((rank) => rank.rank !== null),
    ranking.filter((rank) => rank.rank === null),
  ];
  if (ranking.length === 0) {
    return [h("p", { class: "empty" }, ["No model has been submitted yet."])];
  }
  const score = (rank: Rank) => (rank.scores ? percent(rank.scores.score) : "not scored");
  const tables: HTMLElement[] = [];
  if (counted.length > 0) {
    tables.push(
      table(
        "Counts",
        ["Rank", "Score", metric(offer.threshold.metric), "Submission", "Client"],
        counted.map((rank) => [
          String(rank.rank),
          score(rank),
          rank.scores ? percent(rank.scores.threshold_score) : "-",
          String(rank.submission),
          code(rank.client),
        ]),
      ),
    );
  }
  if (others.length > 0) {
    tables.push(
      table(
        "Does not count",
        ["Score", "Submission", "Client", "Reason"],
        others.map((rank) => [
          score(rank),
          String(rank.submission),
          code(rank.client),
          rank.refusal ? why(rank.refusal) : "not decided yet",
        ]),
      ),
    );
  }
  return tables;
}

function board(lines: BoardLine[]): HTMLElement {
  return table(
    "Shown models",
    ["Rank", "Score", "Submission", "Client"],
    lines.map((line) => [
      String(line.rank),
      percent(line.score),
      String(line.submission),
      code(line.client),
    ]),
  );
}

function submissions(all: Submission[]): HTMLElement {
  if (all.length === 0) {
    return h("p", { class: "empty" }, ["None yet; ", h("code", {}, ["deml submit"]), " sends one."]);
  }
  return table(
    "In the order of their commitments",
    ["Submission", "Client", "State", "Score", "Model", "Why refused"],
    all.map((one) => [
      String(one.submission),
      code(one.client),
      h("span", { class: "badge", "data-state": one.state }, [one.state]),
      one.scores ? percent(one.scores.score) : "-",
      one.model ? code(one.model.cid) : "sealed",
      one.refusal ? why(one.refusal) : "-",
    ]),
  );
}

function why({ heading, sentence }: Refusal): HTMLElement {
  return h("span", {}, [h("strong", {}, [heading]), `: ${sentence}`]);
}

function terms(job: JobDetail): HTMLElement {
  const sentences = [{ name: "name", text: job.job }, ...job.terms_in_words];
  return h(
    "dl",
    { class: "terms" },
    sentences.flatMap(({ name, text }) => [h("dt", {}, [name]), h("dd", {}, [text])]),
  );
}

function history(events: Event[], isOpen: boolean): HTMLElement {
  const items = [...events].reverse().map((event) =>
    h("li", {}, [
      h("time", {}, [date(event.time)]),
      ` ${event.words}`,
      event.submission !== undefined && `, submission ${event.submission}`,
      h("span", { class: "quiet" }, [` (input ${event.input})`]),
    ]),
  );
  return h("details", { open: isOpen }, [
    h("summary", {}, [`${events.length} events, newest first`]),
    h("ol", { class: "events", reversed: true }, items),
  ]);
}
