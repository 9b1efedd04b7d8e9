// Scores over time: a chart that can be zoomed, and saved as a picture or as numbers.

import type { Event } from "./api";
import { button, download, fill, h, svg } from "./dom";
import { csvLine, date, percent, short } from "./format";

const HEIGHT = 300;
/** A picture is as wide as its place, within these. */
const [WIDTH_MIN, WIDTH_MAX] = [320, 1100];
const [LEFT, RIGHT, TOP, BOTTOM] = [72, 12, 12, 34];

interface Point {
  time: number;
  score: number;
  kind: "base model" | "accepted" | "refused" | "shown";
  submission: number | null;
  client: string;
  reason: string;
}

/** Seconds from and to. */
type Span = [number, number];

export interface Chart {
  element: HTMLElement;
  show(events: Event[]): void;
  leave(): void;
}

export function chart(job: string): Chart {
  let points: Point[] = [];
  let zoom: Span | null = null;
  const picture = h("div", { class: "chart" });
  const all = (): Span => spanOf(points);
  const draw = () => {
    if (points.length === 0) {
      fill(picture, h("p", { class: "empty" }, ["Nothing has been scored yet."]));
      return;
    }
    const width = Math.min(Math.max(picture.clientWidth, WIDTH_MIN), WIDTH_MAX);
    const drawn = paint(points, zoom ?? all(), width, colours());
    selectable(drawn, zoom ?? all(), width, set);
    fill(picture, drawn);
  };
  const set = (span: Span | null) => {
    zoom = span;
    draw();
  };
  const by = (change: (span: Span) => Span) => () => {
    if (points.length > 0) set(change(zoom ?? all()));
  };
  const theme = matchMedia("(prefers-color-scheme: dark)");
  theme.addEventListener("change", draw);
  const place = new ResizeObserver(() => points.length > 0 && draw());
  place.observe(picture);

  const file = `job-${job}-scores`;
  const tools = h("div", { class: "tools" }, [
    button("Zoom in", by(([from, to]) => [from + (to - from) / 4, to - (to - from) / 4])),
    button("Zoom out", by(([from, to]) => [from - (to - from) / 2, to + (to - from) / 2])),
    button("Earlier", by(([from, to]) => [from - (to - from) / 4, to - (to - from) / 4])),
    button("Later", by(([from, to]) => [from + (to - from) / 4, to + (to - from) / 4])),
    button("All", () => set(null)),
    button("Save CSV", () => download(`${file}.csv`, "text/csv", csv(points))),
    button("Save SVG", () => {
      const drawn = picture.querySelector("svg");
      if (drawn) {
        download(`${file}.svg`, "image/svg+xml", new XMLSerializer().serializeToString(drawn));
      }
    }),
  ]);
  const legend = h("p", { class: "quiet" }, [
    "● accepted, ○ refused, △ shown on the board, dashed: the base model. Drag to zoom.",
  ]);
  return {
    element: h("div", {}, [picture, legend, tools]),
    show(events) {
      const found = events.flatMap(pointOf);
      const isSame = found.length === points.length && picture.hasChildNodes();
      points = found;
      if (!isSame) draw();
    },
    leave() {
      theme.removeEventListener("change", draw);
      place.disconnect();
    },
  };
}

function pointOf(event: Event): Point[] {
  const { time, submission = null, client = "" } = event;
  const point = { time, submission, client, reason: "" };
  if (event.base) return [{ ...point, score: event.base.score, kind: "base model" }];
  if (event.event === "SubmissionDecided" && event.verdict?.scores) {
    const { accepted, scores, reason } = event.verdict;
    const kind = accepted ? "accepted" : "refused";
    return [{ ...point, score: scores.score, kind, reason }];
  }
  if (event.event === "ShowEvaluated" && event.board && event.board.score !== null) {
    return [{ ...point, score: event.board.score, kind: "shown" }];
  }
  return [];
}

/** All points with some room; at least a minute. */
function spanOf(points: Point[]): Span {
  const times = points.map((point) => point.time);
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const room = Math.max((to - from) * 0.05, 30);
  return [from - room, to + room];
}

function csv(points: Point[]): string {
  const head = ["time", "kind", "submission", "client", "score_ppm", "reason"];
  const lines = points.map(({ time, kind, submission, client, score, reason }) =>
    csvLine([new Date(time * 1000).toISOString(), kind, submission ?? "", client, score, reason]),
  );
  return csvLine(head) + lines.join("");
}

interface Colours {
  ink: string;
  quiet: string;
  paper: string;
  good: string;
  bad: string;
  accent: string;
}

/** The page's colours, written into the picture so that it can be saved. */
function colours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: of("ink"),
    quiet: of("quiet"),
    paper: of("paper"),
    good: of("good"),
    bad: of("bad"),
    accent: of("accent"),
  };
}

function paint(
  points: Point[],
  [from, to]: Span,
  width: number,
  colour: Colours,
): SVGSVGElement {
  const visible = points.filter((point) => point.time >= from && point.time <= to);
  const bases = points.filter((point) => point.kind === "base model");
  const scores = [...visible, ...bases].map((point) => point.score);
  const room = Math.max((Math.max(...scores, 0) - Math.min(...scores, 1e6)) * 0.1, 5_000);
  const low = Math.max(Math.min(...scores, 1e6) - room, 0);
  const high = Math.min(Math.max(...scores, 0) + room, 1e6);
  const x = (time: number) => LEFT + ((time - from) / (to - from)) * (width - LEFT - RIGHT);
  const y = (score: number) =>
    TOP + ((high - score) / Math.max(high - low, 1)) * (HEIGHT - TOP - BOTTOM);

  const size = width < 480 ? 10 : 12;
  const text = (at: { x: number; y: number; anchor: string }, words: string) =>
    svg(
      "text",
      { x: at.x, y: at.y, "text-anchor": at.anchor, fill: colour.quiet, "font-size": size },
      [words],
    );
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => low + part * (high - low));
  const lines = ticks.flatMap((score) => [
    svg("line", {
      x1: LEFT,
      x2: width - RIGHT,
      y1: y(score),
      y2: y(score),
      stroke: colour.quiet,
      "stroke-opacity": 0.3,
    }),
    text({ x: LEFT - 6, y: y(score) + 4, anchor: "end" }, percent(score)),
  ]);
  const times = [
    text({ x: LEFT, y: HEIGHT - 10, anchor: "start" }, date(from)),
    text({ x: width - RIGHT, y: HEIGHT - 10, anchor: "end" }, date(to)),
  ];
  const base = bases.map((point, at) =>
    svg("line", {
      x1: x(Math.min(Math.max(point.time, from), to)),
      x2: x(Math.min(Math.max(bases[at + 1]?.time ?? to, from), to)),
      y1: y(point.score),
      y2: y(point.score),
      stroke: colour.ink,
      "stroke-dasharray": "6 4",
    }),
  );
  const marks = visible
    .filter((point) => point.kind !== "base model")
    .map((point) => mark(point, x(point.time), y(point.score), colour));
  const best = Math.max(...points.map((point) => point.score));
  const says = `${points.length} scores; the best is ${percent(best)}`;
  return svg(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${width} ${HEIGHT}`,
      role: "img",
      "aria-label": says,
      "font-family": "sans-serif",
    },
    [
      svg("rect", { width, height: HEIGHT, fill: colour.paper }),
      ...lines,
      ...times,
      ...base,
      ...marks,
    ],
  );
}

function mark(point: Point, x: number, y: number, colour: Colours): SVGElement {
  const title = svg("title", {}, [
    `${date(point.time)}: submission ${point.submission} ${short(point.client)} ` +
      `${percent(point.score)}, ${point.kind}${point.reason && `: ${point.reason}`}`,
  ]);
  if (point.kind === "shown") {
    const path = `M${x} ${y - 6}l6 10h-12z`;
    return svg("path", { d: path, fill: "none", stroke: colour.accent, "stroke-width": 2 }, [title]);
  }
  const ink = point.kind === "accepted" ? colour.good : colour.bad;
  const filling = point.kind === "accepted" ? ink : colour.paper;
  return svg(
    "circle",
    { cx: x, cy: y, r: 5, fill: filling, stroke: ink, "stroke-width": 2, "data-kind": point.kind },
    [title],
  );
}

/** Zooms to what is dragged over. */
function selectable(
  drawn: SVGSVGElement,
  [from, to]: Span,
  width: number,
  zoom: (span: Span) => void,
): void {
  const timeAt = (event: PointerEvent) => {
    const box = drawn.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width;
    return from + ((x - LEFT) / (width - LEFT - RIGHT)) * (to - from);
  };
  let begin: number | null = null;
  drawn.addEventListener("pointerdown", (event) => {
    begin = timeAt(event);
  });
  drawn.addEventListener("pointerup", (event) => {
    if (begin === null) return;
    const span: Span = [Math.min(begin, timeAt(event)), Math.max(begin, timeAt(event))];
    begin = null;
    if (span[1] - span[0] > (to - from) / 50) zoom(span);
  });
}
