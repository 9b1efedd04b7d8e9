// The market's own code, in a thread of its own: questions in bytes, answers in bytes.

interface Exports {
  memory: WebAssembly.Memory;
  question(length: number): number;
  answer(): number;
  answered(): number;
}

interface Asked {
  id: number;
  question: object;
  files: Uint8Array[];
}

let loaded: Promise<Exports> | null = null;

async function load(): Promise<Exports> {
  const { instance } = await WebAssembly.instantiateStreaming(fetch("/twin.wasm"));
  return instance.exports as unknown as Exports;
}

function answer(twin: Exports, question: object, files: Uint8Array[]): string {
  const lengths = files.map((file) => file.length);
  const header = new TextEncoder().encode(JSON.stringify({ ...question, files: lengths }));
  const length = lengths.reduce((sum, more) => sum + more, 4 + header.length);
  const room = new Uint8Array(twin.memory.buffer, twin.question(length), length);
  new DataView(room.buffer, room.byteOffset).setUint32(0, header.length, true);
  let at = 4;
  for (const part of [header, ...files]) {
    room.set(part, at);
    at += part.length;
  }
  const size = twin.answer();
  return new TextDecoder().decode(new Uint8Array(twin.memory.buffer, twin.answered(), size));
}

addEventListener("message", async (event: MessageEvent<Asked>) => {
  const { id, question, files } = event.data;
  try {
    loaded ??= load();
    postMessage({ id, answer: answer(await loaded, question, files) });
  } catch (error) {
    // What is left of it after a failure is not asked again.
    loaded = null;
    postMessage({ id, failure: String(error) });
  }
});
