// The dialog that waits for a wallet on another device: a QR code, and the address in it to copy.

import { encode } from "uqr";

import { button, fill, h, refocus, svg } from "./dom";

/** A relay that takes longer is said to. */
const LONG_MS = 8_000;

/** What waits for another device, over whatever view asked for it. */
export interface Waiting {
  /** Fails once the reader gives up. */
  givenUp: Promise<never>;
  /** Shows the address that the other device needs. */
  show(uri: string): void;
  end(): void;
}

/** Opens the dialog, which says so if the relay is late; the focus is back once it ends. */
export function waitForDevice(unanswered: string): Waiting {
  const status = h("p", { role: "status" }, ["Reaching the relay …"]);
  const content = h("div", {}, [status]);
  const dialog = h("dialog", { class: "pairing", "aria-labelledby": "pairing-title" }, [
    h("h2", { id: "pairing-title" }, ["WalletConnect"]),
    content,
    button("Cancel", () => dialog.close()),
  ]);
  const givenUp = new Promise<never>((_, reject) => {
    const refusal = Object.assign(new Error("given up"), { code: 4001 });
    dialog.addEventListener("close", () => reject(refusal));
  });
  const late = setTimeout(() => fill(status, unanswered), LONG_MS);
  const opener = document.activeElement;
  document.body.append(dialog);
  dialog.showModal();
  return {
    givenUp,
    show: (uri) => show(content, uri),
    end() {
      clearTimeout(late);
      dialog.close();
      dialog.remove();
      // The view may have been shown anew meanwhile.
      refocus(opener);
    },
  };
}

function show(content: HTMLElement, uri: string): void {
  const address = h("input", { type: "text", readonly: true, value: uri, id: "pairing" });
  const copied = h("span", { role: "status" });
  const copy = async () => {
    address.select();
    // Pages that are not served securely have no clipboard.
    const isCopied = await navigator.clipboard?.writeText(uri).then(
      () => true,
      () => false,
    );
    copied.textContent = isCopied ? "Copied." : "Copy what is selected.";
  };
  fill(
    content,
    h("p", {}, ["Scan this with the wallet on your other device, and agree there."]),
    code(uri),
    h("label", { for: "pairing" }, ["Or paste this address there"]),
    address,
    button("Copy the address", copy),
    copied,
  );
  address.focus();
}

/** A QR code as a picture. */
function code(text: string): SVGElement {
  // Scanners expect four empty modules around it.
  const { size, data } = encode(text, { border: 4 });
  const dark = data.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])),
  );
  const label = { role: "img", "aria-label": "QR code of the address below" };
  return svg("svg", { viewBox: `0 0 ${size} ${size}`, class: "qr", ...label }, [
    svg("path", { d: dark.join("") }),
  ]);
}
