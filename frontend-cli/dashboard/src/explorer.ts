// The files of a job: downloaded, verified by their CIDs in this browser, and the datasets among
// them looked through, some rows at a time. What a file means is decided by the market's own code.

import { ask, askBytes, type JobDetail, type JobFile, market } from "./api";
import { button, type Child, code, download, fill, h, svg, table } from "./dom";
import { percent } from "./format";
import { field, options } from "./jobs";
import { consult } from "./twin";

interface Verified {
  cid: string;
  bytes: number;
}

interface Histogram {
  least: string;
  greatest: string;
  mean: string;
  bins: number[];
}

interface Overview {
  rows: number;
  shape: string;
  columns: number;
  stored: string;
  picture: { width: number; height: number; channels: number } | null;
  classes: { name: string; rows: number; share: number }[];
  targets: Histogram | null;
}

interface Rows {
  columns: { name: string; histogram: Histogram }[];
  rows: { row: number; label: string; cells: string[] }[];
}

interface Pictures {
  pictures: { row: number; label: string; pixels: string }[];
}

/** Rows shown at a time. */
const PAGE = 20;

export interface DataPart {
  element: HTMLElement;
  show(job: JobDetail): Promise<void>;
}

export function dataPart(number: string): DataPart {
  let known = "";
  let hasTwin = false;
  const list = h("div");
  const state = h("p", { role: "status", id: "data-state", class: "whole" });
  const place = h("div", { id: "data" });
  const element = h("section", {}, [h("h2", {}, ["Data and files"]), list, state, place]);

  const bytesOf = (file: string) => askBytes(`jobs/${number}/files/${file}`);
  const entry = () => askBytes(`jobs/${number}/entry`);
  /** Does something that takes a moment, and says what came of it. */
  const work = async (words: string, act: () => Promise<string>) => {
    fill(state, words);
    fill(state, await act().catch((error) => (error as Error).message));
  };
  const save = (file: JobFile) =>
    work(`Fetching the ${file.what} …`, async () => {
      const bytes = await bytesOf(file.file);
      const files = [await entry(), bytes];
      if (file.file === "trainer") files.push(await bytesOf("base"));
      const verified = await consult<Verified>({ ask: "verify", file: file.file }, files);
      const name = `${file.file}-${number}${file.file === "base" ? ".onnx" : file.is_dataset ? ".safetensors" : ""}`;
      download(name, "application/octet-stream", bytes as Uint8Array<ArrayBuffer>);
      return `${saysVerified(file, verified)} and saved as ${name}.`;
    });
  const look = (file: JobFile) =>
    work(`Fetching the ${file.what} …`, async () => {
      const question = { ask: "explore", file: file.file };
      const files = [await entry(), await bytesOf(file.file)];
      const { verified, overview } = await consult<{ verified: Verified; overview: Overview }>(question, files);
      await explore(place, file.what, overview);
      return `${saysVerified(file, verified)}.`;
    });
  const actions = (file: JobFile): HTMLElement =>
    h("span", { class: "tools" }, [
      hasTwin && button("Download", () => save(file), { "aria-label": `Download the ${file.what}` }),
      hasTwin && file.is_dataset && button("Look through", () => look(file), { "aria-label": `Look through the ${file.what}` }),
      !hasTwin && "`cargo twin` was not run: `deml model get` fetches it",
    ]);
  return {
    element,
    async show(job) {
      // A hold-out becomes public in the middle.
      const now = `${job.stage} ${job.hold_out?.cid}`;
      if (known === now) return;
      hasTwin = (await market()).has_twin;
      const files = await ask<JobFile[]>(`jobs/${number}/files`).catch((error) => {
        fill(list, (error as Error).message);
        return null;
      });
      if (!files) return;
      known = now;
      const rows = files.map((file) => [
        file.what,
        code(file.cid),
        file.bytes === null ? "-" : file.bytes.toLocaleString(),
        actions(file),
      ]);
      fill(list, table("Public files of this job", ["File", "CID", "Bytes", ""], rows));
    },
  };
}

function saysVerified({ what }: JobFile, { cid, bytes }: Verified): string {
  return `The ${what}, ${bytes.toLocaleString()} bytes, is verified in this browser by its CID ${cid}`;
}

/** Shows the dataset that the market's code holds, page by page. */
async function explore(place: HTMLElement, what: string, overview: Overview): Promise<void> {
  const { rows, columns, picture } = overview;
  let [from, column, width] = [0, 0, 0];
  const mode = h("select", { id: "data-mode" }, options(picture ? ["pictures", "numbers"] : ["numbers"]));
  const first = h("input", { id: "data-row", type: "number", min: 0, max: rows - 1, value: 0 });
  const page = h("div", { id: "data-page" });
  const says = h("p", { role: "status", id: "data-place" });
  const turn = (rowsOn: number, columnsOn: number) => async () => {
    from = Math.max(0, Math.min(from + rowsOn, rows - 1));
    column = Math.max(0, Math.min(column + columnsOn * width, columns - 1));
    await again();
  };
  const buttons = {
    before: button("Previous rows", turn(-PAGE, 0)),
    next: button("Next rows", turn(PAGE, 0)),
    left: button("Previous columns", turn(0, -1)),
    right: button("Next columns", turn(0, 1)),
  };
  const show = async () => {
    const isPictures = mode.value === "pictures";
    const asked = { from, limit: PAGE };
    if (isPictures && picture) {
      const { pictures } = await consult<Pictures>({ ask: "pictures", ...asked });
      fill(page, h("ul", { class: "pictures" }, pictures.map((one) => painted(one, picture))));
    } else {
      const answer = await consult<Rows>({ ask: "rows", ...asked, column });
      // The last page of columns may have fewer.
      width = Math.max(width, answer.columns.length);
      fill(page, ...numbers(answer));
    }
    first.value = String(from);
    const last = Math.min(from + PAGE, rows);
    const lastColumn = Math.min(column + width, columns) - 1;
    const of = isPictures ? "" : `, columns ${column} to ${lastColumn} of ${columns}`;
    fill(says, `Rows ${from} to ${last - 1} of ${rows}${of}; counted from 0.`);
    buttons.before.disabled = from === 0;
    buttons.next.disabled = last >= rows;
    for (const one of [buttons.left, buttons.right]) one.hidden = isPictures || columns <= width;
    buttons.left.disabled = column === 0;
    buttons.right.disabled = column + width >= columns;
  };
  const again = () => show().catch((error) => fill(says, (error as Error).message));
  mode.addEventListener("input", again);
  first.addEventListener("change", () => {
    from = Math.max(0, Math.min(Math.floor(Number(first.value)) || 0, rows - 1));
    again();
  });
  await show();
  fill(
    place,
    h("h3", {}, [`The ${what}`]),
    ...summary(overview),
    h("div", { class: "tools" }, [field("Show as", mode), field("From row", first), ...Object.values(buttons)]),
    says,
    page,
  );
}

function summary({ rows, shape, stored, classes, targets }: Overview): Child[] {
  return [
    h("p", {}, [`${rows.toLocaleString()} rows of ${shape} features, ${stored}.`]),
    classes.length > 0 &&
      table(
        "Class balance",
        ["Class", "Rows", "Share"],
        classes.map(({ name, rows: of, share }) => [name, of.toLocaleString(), percent(share)]),
      ),
    targets && h("ul", { class: "histograms" }, [histogram("label", targets)]),
  ];
}

function numbers({ columns, rows }: Rows): Child[] {
  const names = ["Row", "Label", ...columns.map(({ name }) => name)];
  const list = table("Rows", names, rows.map(({ row, label, cells }) => [String(row), label, ...cells]));
  list.classList.add("matrix");
  return [
    h("ul", { class: "histograms" }, columns.map(({ name, histogram: of }) => histogram(name, of))),
    h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Rows" }, [
      list,
    ]),
  ];
}

function histogram(name: string, { least, greatest, mean, bins }: Histogram): HTMLElement {
  const most = Math.max(...bins, 1);
  const says = `${name}: from ${least} to ${greatest}, mean ${mean}; rows by bins: ${bins.join(", ")}`;
  const bars = bins.map((count, at) => {
    const height = (count / most) * 40;
    return svg("rect", { x: at * 6, y: 40 - height, width: 5, height, fill: "currentColor" });
  });
  return h("li", {}, [
    h("strong", {}, [name]),
    svg("svg", { viewBox: "0 0 96 40", role: "img", "aria-label": says, class: "histogram" }, bars),
    h("span", { class: "quiet" }, [`${least} – ${greatest}`]),
  ]);
}

function painted(
  { row, label, pixels }: Pictures["pictures"][number],
  { width, height }: { width: number; height: number },
): HTMLElement {
  const canvas = h("canvas", { width, height, role: "img", "aria-label": `Row ${row}, label ${label}` });
  const image = new ImageData(width, height);
  for (let at = 0; at < width * height; at++) {
    for (let channel = 0; channel < 3; channel++) {
      const place = at * 6 + channel * 2;
      image.data[at * 4 + channel] = Number.parseInt(pixels.slice(place, place + 2), 16);
    }
    image.data[at * 4 + 3] = 255;
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return h("li", {}, [canvas, h("span", {}, [`${row}: ${label}`])]);
}
