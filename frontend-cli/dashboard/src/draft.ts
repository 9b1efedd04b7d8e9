// The form of a sponsor's draft: its fields and their explanations are those of `deml job open`.

import { type Child, fill, h } from "./dom";
import { field as labelled } from "./jobs";

export interface Section {
  name: string;
  heading: string | null;
  fields: Field[];
}

interface Field {
  name: string;
  help: string;
  value: string;
  choices: { name: string; help: string }[];
}

export interface DraftForm {
  element: HTMLElement;
  /** The fields that are filled in, as a file of terms has them. */
  draft(): { [name: string]: unknown };
  /** The base model, the hold-out, and the public slice if there is one. */
  files(): File[];
}

type Control = HTMLInputElement | HTMLSelectElement;

/** Labels that are not the names of the fields. */
const LABELS: { [name: string]: string } = {
  base: "Base model",
  "hold-out": "Hold-out",
  output: "What models answer",
  "min-score": "Minimum score",
  "min-gain": "Minimum gain",
  threshold: "Threshold by another metric",
  "max-model-bytes": "Maximum bytes of a model",
  "max-work": "Maximum work of an evaluation",
  "max-inputs": "Maximum inputs of an evaluation",
  quota: "Models an account may show",
  sealed: "Sealed until the close",
  reveal: "Reveal window",
  attest: "Attestation window",
  "miners-pool": "Pool for the miners",
  "sample-rows": "Rows that the machine samples",
  rewards: "Number of rewards",
  "significance": "Significance level",
  unmet: "If no model is accepted",
};

/** Fields that are shown at once; the others have good defaults. */
const FIRST = ["title", "close", "base", "hold-out", "public-slice", "metric", "min-gain"];
FIRST.push("sealed", "miners", "reward", "rewards", "prize");

/** Fields whose values are numbers. */
const NUMBERS = ["N", "BYTES", "WORK", "ROWS"];

const EXAMPLES: { [name: string]: string } = {
  close: "7d",
  reward: "0.5ether",
  prize: "10ether",
  "min-gain": "0.1%",
  threshold: "auroc:90%",
  reveal: "1d",
};

/** Which fields belong to which choice. */
const AWARDS: { [kind: string]: string[] } = {
  "a reward for each accepted model": ["reward", "rewards"],
  "a prize for the best model": ["prize", "significance", "unmet"],
};

export function draftForm(sections: Section[]): DraftForm {
  const controls = new Map<string, [Section, Field, Control]>();
  const rows = new Map<string, HTMLElement>();
  for (const section of sections) {
    for (const one of section.fields) {
      const control = controlOf(one);
      controls.set(one.name, [section, one, control]);
      rows.set(one.name, row(one, control));
    }
  }
  const kind = h("select", { id: "award-kind" }, Object.keys(AWARDS).map((value) => h("option", { value }, [value])));
  const isTaken = (name: string) => {
    const isOfAward = Object.values(AWARDS).some((names) => names.includes(name));
    if (isOfAward) return AWARDS[kind.value]?.includes(name) ?? false;
    return !["reveal", "sponsor-bond"].includes(name) || isSealed();
  };
  const valueOf = (name: string) => controls.get(name)?.[2].value ?? "";
  const isSealed = () => {
    const sealed = controls.get("sealed")?.[2] as HTMLInputElement | undefined;
    return !!sealed?.checked || Number(valueOf("miners")) > 0;
  };
  const show = () => {
    for (const [name, element] of rows) element.hidden = !isTaken(name);
  };
  const element = h("div", { class: "draft" }, sections.map((section) => fieldset(section, rows, kind)));
  element.addEventListener("input", show);
  show();
  return {
    element,
    draft() {
      const draft: { [name: string]: unknown } = {};
      for (const [name, [section, one, control]] of controls) {
        const value = stated(one, control);
        if (value === undefined || !isTaken(name)) continue;
        if (!section.name) draft[name] = value;
        else draft[section.name] = { ...(draft[section.name] as object | undefined), [name]: value };
      }
      return draft;
    },
    files() {
      const named = ["base", "hold-out", "public-slice"].map((name) => controls.get(name)?.[2]);
      return named.flatMap((input) => [...((input as HTMLInputElement | undefined)?.files ?? [])]);
    },
  };
}

/** A section: the fields that matter most, and the others in a drawer. */
function fieldset(section: Section, rows: Map<string, HTMLElement>, kind: HTMLElement): HTMLElement {
  const names = section.fields.map((one) => one.name);
  const of = (isFirst: boolean) =>
    names.filter((name) => FIRST.includes(name) === isFirst).map((name) => rows.get(name) ?? null);
  const others = of(false);
  const isAward = section.name === "award";
  const shown: Child[] = [
    h("legend", {}, [section.heading ?? "The job"]),
    isAward && labelled("Award", kind),
    ...of(true),
  ];
  // Fields of what is not chosen are hidden.
  if (isAward || section.name === "sealing") shown.push(...others);
  else if (others.length > 0) {
    shown.push(h("details", {}, [h("summary", {}, ["More terms, which have defaults"]), ...others]));
  }
  return h("fieldset", {}, shown);
}

function controlOf({ name, value, choices }: Field): Control {
  const described = { id: `draft-${name}`, "aria-describedby": `draft-${name}-help` };
  if (value === "BOOL") return h("input", { type: "checkbox", ...described });
  if (value === "FILE") {
    const accept = name === "base" ? ".onnx" : undefined;
    const required = name !== "public-slice";
    return h("input", { type: "file", accept, required, ...described });
  }
  if (choices.length > 0) {
    const select = h("select", described, [h("option", { value: "" }, ["default"])]);
    for (const { name, help } of choices) {
      select.append(h("option", { value: name, title: help }, [name.replaceAll("-", " ")]));
    }
    return select;
  }
  const isNumber = NUMBERS.includes(value);
  return h("input", {
    autocomplete: "off",
    inputmode: isNumber ? "numeric" : undefined,
    placeholder: EXAMPLES[name],
    ...described,
  });
}

function row({ name, help, choices }: Field, control: Control): HTMLElement {
  const label = LABELS[name] ?? name.replaceAll("-", " ").replace(/^./, (first) => first.toUpperCase());
  const explained = h("p", { class: "quiet", id: `draft-${name}-help` }, [help]);
  if (choices.length > 0) {
    const tell = () => {
      const chosen = choices.find((choice) => choice.name === control.value);
      fill(explained, chosen ? `${help}. Chosen: ${chosen.help}` : help);
    };
    control.addEventListener("input", tell);
  }
  const element = labelled(label, control);
  element.append(explained);
  return element;
}

/** What a control says; `undefined` if nothing, so that its default applies. */
function stated({ value }: Field, control: Control): unknown {
  if (value === "FILE") return undefined;
  if (control instanceof HTMLInputElement && control.type === "checkbox") {
    return control.checked || undefined;
  }
  const text = control.value.trim();
  if (!text) return undefined;
  return NUMBERS.includes(value) && /^\d+$/.test(text) ? Number(text) : text;
}
