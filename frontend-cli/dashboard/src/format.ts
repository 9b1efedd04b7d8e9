// How numbers are written; amounts come in words from the program.

/** Parts per million as a percentage with three decimals, rounded down. */
export function percent(ppm: number): string {
  const thousandths = Math.floor(ppm / 10);
  return `${Math.floor(thousandths / 1000)}.${String(thousandths % 1000).padStart(3, "0")} %`;
}

/** A metric's name in words. */
export function metric(name: string): string {
  return name.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());
}

/** A time in seconds as the reader's date and time. */
export function date(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString(undefined, {
    dateStyle: "medium",
    timeStyle: "medium",
  });
}

/** The ends of an address or CID. */
export function short(text: string): string {
  return text.length > 16 ? `${text.slice(0, 8)}…${text.slice(-6)}` : text;
}

/** One line of comma-separated values; nothing in it is a formula to a spreadsheet. */
export function csvLine(values: (string | number)[]): string {
  const quoted = values.map((value) => {
    const text = String(value);
    const harmless = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
  });
  return `${quoted.join(",")}\r\n`;
}
