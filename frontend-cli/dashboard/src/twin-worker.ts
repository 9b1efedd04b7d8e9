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
  const module = await WebAssembly.compileStreaming(fetch("/twin.wasm"));
  const instance = await WebAssembly.instantiate(module, unused(module));
  return instance.exports as unknown as Exports;
}

/** What the tensor library would ask of browsers for threads and clocks, which nothing here calls. */
function unused(module: WebAssembly.Module): WebAssembly.Imports {
  const imports: WebAssembly.Imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    const named = (imports[from] ??= {});
    named[name] = () => {
      throw new Error(`${name} was called`);
    };
  }
  return imports;
}

function answer(twin: Exports, question: object, files: Uint8Array[]): string {
  const lengths = files.map((file) => file.length);
  const header = new TextEncoder().encode(JSON.stringify({ ...question, files: lengths }));
  const length = lengths.reduce((sum, more) => sum + more, 4 + header.length);
  // Making room may move the memory.
  const place = twin.question(length);
  const room = new Uint8Array(twin.memory.buffer, place, length);
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
