import type { ByteStream, Call } from "../contract/call.ts";
import type { Scratch } from "../contract/layer.ts";
import type { Store } from "../contract/store.ts";
import { EngineError } from "../errors.ts";
import { canonicalJson } from "../oci/canonical_json.ts";
import { digestHex, sha256 } from "../oci/digest.ts";
import { MediaType } from "../oci/media_type.ts";
import { fetchName } from "../store/names.ts";
import { readChunks, streamOver } from "../stream/byte_stream.ts";

/** A layer hook's scratch in a store. Keys of different operation kinds never meet. */
export function createScratch(store: Store, kind: string, call: Call): Scratch {
  const nameOf = async (key: string): Promise<string> => fetchName(digestHex(await sha256(canonicalJson([kind, key]))));
  return {
    recall: async (key) => {
      const found = await store.resolve(await nameOf(key), call);
      return found !== undefined && await store.has(found, call) ? found : undefined;
    },
    ingest: (content, maxBytes) => store.ingest(bounded(content, maxBytes), MediaType.octetStream, call),
    remember: async (key, descriptor) => await store.update([{ name: await nameOf(key), descriptor }], call),
    open: (descriptor) => (offset) => store.open(descriptor, call, offset),
  };
}

function bounded(content: ByteStream, maxBytes: number): ByteStream {
  return streamOver(check(content, maxBytes), () => content.cancel());
}

async function* check(content: ByteStream, maxBytes: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let size = 0;
  for await (const chunk of readChunks(content)) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new EngineError("INVALID_ARGUMENT", `Cannot store download: it is larger than ${maxBytes} bytes`, {
        detail: { field: "size", value: size },
      });
    }
    yield chunk;
  }
}
