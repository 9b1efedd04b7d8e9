// Elements, whose texts are only ever set as text: strangers wrote some of them.

import { short } from "./format";

export type Child = Node | string | null | undefined | false;
type Listeners = { [event: string]: (event: Event) => void };
type Attributes = { [name: string]: string | number | boolean | undefined };

/** An HTML element; an attribute that is `false` or missing is left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  children: Child[] = [],
  listeners: Listeners = {},
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  dress(element, attributes);
  append(element, children);
  for (const [event, listener] of Object.entries(listeners)) {
    element.addEventListener(event, listener);
  }
  return element;
}

/** An SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  children: Child[] = [],
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  dress(element, attributes);
  append(element, children);
  return element;
}

function dress(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
}

function append(element: Element, children: Child[]): void {
  element.append(...children.filter((child): child is Node | string => !!child));
}

/** Replaces what an element contains. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  append(element, children);
}

export function button(text: string, action: () => void, attributes: Attributes = {}) {
  return h("button", { type: "button", ...attributes }, [text], { click: action });
}

/** The ends of an address or CID, the whole of which shows when pointed at. */
export function code(text: string): HTMLElement {
  return h("code", { title: text }, [short(text)]);
}

/** A table that becomes a list of cards on narrow screens; its roles survive that. */
export function table(caption: string, columns: string[], rows: Child[][]): HTMLElement {
  const head = columns.map((column) => h("th", { scope: "col", role: "columnheader" }, [column]));
  const body = rows.map((cells) =>
    h(
      "tr",
      { role: "row" },
      cells.map((cell, at) => h("td", { role: "cell", "data-label": columns[at] }, [cell])),
    ),
  );
  return h("table", { role: "table" }, [
    h("caption", {}, [caption]),
    h("thead", { role: "rowgroup" }, [h("tr", { role: "row" }, head)]),
    h("tbody", { role: "rowgroup" }, body),
  ]);
}

/** Gives the focus back to what it was on, if that was replaced by another of its name. */
export function refocus(before: Element | null): void {
  if (!before || before === document.body || before.isConnected) return;
  const nameOf = (element: Element) => `${element.getAttribute("href")} ${element.textContent}`;
  const all = document.querySelectorAll<HTMLElement>("main :is(a, button, summary)");
  const same = [...all].find((element) => nameOf(element) === nameOf(before));
  same?.focus({ preventScroll: true });
}

/** Offers a text, or bytes, as a file. */
export function download(name: string, type: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 0);
}
