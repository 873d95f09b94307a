import type { ByteStream, Call } from "./contract/call.ts";
import type { Kit } from "./contract/kit.ts";
import type { LayerEntry } from "./contract/layer.ts";
import { EngineError } from "./errors.ts";
import { canonicalJson } from "./oci/canonical_json.ts";
import { sha256 } from "./oci/digest.ts";
import { parseReference } from "./oci/reference.ts";
import { compileIgnore, matchPath } from "./path/match.ts";
import { hashing } from "./stream/hash_stream.ts";

/** The helpers given to every plugin. What only commands that move bytes need is loaded when it is first used. */
export function createKit(): Kit {
  return {
    error: (code, message, options) => new EngineError(code, message, options),
    parseReference,
    canonicalJson,
    sha256,
    matchPath,
    compileIgnore,
    hashing,
    readArchive,
    writeTar: (entries, call) =>
      deferStream(async () => {
        const { writeTar } = await import("./tar/write.ts");
        return writeTar(entries, call);
      }),
  };
}

async function* readArchive(archive: ByteStream, call: Call): AsyncGenerator<LayerEntry, void, undefined> {
  const [{ decompress }, { readTar }] = await Promise.all([import("./stream/compression.ts"), import("./tar/read.ts")]);
  const { stream } = await decompress(archive);
  yield* readTar(stream, call);
}

/** A stream that is opened when it is first read. */
function deferStream(open: () => Promise<ByteStream>): ByteStream {
  let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  return new ReadableStream({
    async pull(controller): Promise<void> {
      reader ??= (await open()).getReader();
      const next = await reader.read();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel(reason): Promise<void> {
      reader ??= (await open()).getReader();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
