// What a model got right and wrong: its confusion matrix and the figures of each class.

import { type Child, h, table } from "./dom";
import { percent } from "./format";

interface Proportion {
  share: number;
  interval: [number, number];
}

export interface Classes {
  accuracy: Proportion;
  classes: {
    rows: number;
    recall: Proportion | null;
    precision: Proportion | null;
    f1: number | null;
  }[];
  /** Rows by their class, then by the class answered; last of each those of no class. */
  confusion: number[][];
}

export interface Numbers {
  root_mean_squared_error: number;
  mean_absolute_error: number;
}

/** A matrix of more classes is not shown. */
const CLASSES_MAX = 30;

export function figures(of: Classes | Numbers): Child[] {
  if (!("classes" in of)) {
    const errors = of as Numbers;
    return [
      h("p", {}, [
        `Root of the mean squared error ${errors.root_mean_squared_error.toFixed(6)}, `,
        `mean absolute error ${errors.mean_absolute_error.toFixed(6)}.`,
      ]),
    ];
  }
  const count = of.classes.length;
  const share = (one: Proportion | null) =>
    one ? `${percent(one.share)} (${one.interval.map((end) => (end / 1e4).toFixed(1)).join("–")})` : "-";
  return [
    table(
      "Classes, with 95 % intervals of recall and precision",
      ["Class", "Rows", "Recall", "Precision", "F1"],
      of.classes.map((one, at) => [
        String(at),
        String(one.rows),
        share(one.recall),
        share(one.precision),
        one.f1 === null ? "-" : percent(one.f1),
      ]),
    ),
    count <= CLASSES_MAX && matrix(of.confusion, count),
  ];
}

function matrix(confusion: number[][], count: number): HTMLElement {
  const most = Math.max(1, ...confusion.flat());
  const hasNone = confusion.some((row) => (row[count] ?? 0) > 0);
  const columns = [...Array(count).keys()].map(String).concat(hasNone ? ["none"] : []);
  const rows = confusion.slice(0, count).map((row, at) =>
    h("tr", {}, [
      h("th", { scope: "row" }, [String(at)]),
      ...columns.map((_, answered) => {
        const rows = row[answered] ?? 0;
        const depth = rows === 0 ? 0 : Math.ceil((rows / most) * 4);
        return h("td", { "data-depth": depth, "data-right": answered === at }, [String(rows)]);
      }),
    ]),
  );
  const head = columns.map((column) => h("th", { scope: "col" }, [column]));
  return h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Confusion matrix" }, [
    h("table", { class: "matrix" }, [
      h("caption", {}, ["Rows of each class (down), by the class answered (across)"]),
      h("thead", {}, [h("tr", {}, [h("td"), ...head])]),
      h("tbody", {}, rows),
    ]),
  ]);
}
