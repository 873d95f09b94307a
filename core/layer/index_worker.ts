/** A thread that reads whole layers; started by core/build/layer_reader.ts. */
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { serve } from "../stream/worker_side.ts";
import { encodeLayerIndex } from "./index_codec.ts";
import { indexLayer } from "./index_layer.ts";
import { fileBytes } from "./layer_index.ts";

/** A layer in a file of this host. */
export interface LayerFile {
  readonly path: string;
  readonly descriptor: Descriptor;
}

/** What reading a layer told. */
export interface LayerFacts {
  readonly diffId: Digest;
  /** Its table of contents, encoded. */
  readonly index: Uint8Array<ArrayBuffer>;
  /** Bytes of its regular files, each counted once. */
  readonly fileBytes: number;
}

serve<LayerFile, LayerFacts>(async ({ path, descriptor }) => {
  const file = await Deno.open(path);
  const call = { signal: new AbortController().signal, emit: () => {} };
  const { diffId, index } = await indexLayer(file.readable, descriptor, call);
  const encoded = encodeLayerIndex(index);
  return { output: { diffId, index: encoded, fileBytes: fileBytes(index) }, transfer: [encoded.buffer] };
});
