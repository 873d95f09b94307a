import type { ChainLayer } from "../build/chain.ts";
import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { essence, MediaType } from "../oci/media_type.ts";
import { compressedName } from "../store/names.ts";
import type { Compressor, Encoding } from "../stream/compress.ts";

/** Whether a layer is stored without compression. */
export function isPlain({ descriptor, diffId }: ChainLayer): boolean {
  return descriptor.digest === diffId;
}

/**
 * The compressed form of a plain layer, in the store. It is made once and remembered by the layer's diffID, so that the same layer gives
 * the same digest every time, also after an upgrade whose encoder would give others.
 */
export async function compressLayer(
  store: Store,
  work: {
    readonly layer: ChainLayer;
    readonly encoding: Encoding;
    readonly compressor: Compressor;
    /** Told when the layer has to be compressed now. */
    readonly onWork?: () => void;
  },
  call: Call,
): Promise<Descriptor> {
  const { layer, encoding, compressor } = work;
  const name = compressedName(`${encoding.codec}-${encoding.level}`, layer.diffId);
  const known = await store.resolve(name, call);
  if (known !== undefined && await store.has(known, call)) return typed(layer, encoding, known);
  work.onWork?.();
  const plain = await store.open(layer.descriptor, call);
  const mediaType = encoding.codec === "gzip" ? MediaType.layerGzip : MediaType.layerZstd;
  const made = await store.ingest(compressor.compress(plain, encoding), mediaType, call);
  await store.update([{ name, descriptor: made }], call);
  return typed(layer, encoding, made);
}

/** The compressed layer as the manifest of the plain one lists it: with its annotations, and in Docker's words where it is Docker's. */
function typed({ descriptor }: ChainLayer, { codec }: Encoding, { mediaType, digest, size }: Descriptor): Descriptor {
  const isDocker = codec === "gzip" && essence(descriptor.mediaType) === MediaType.dockerLayer;
  const { annotations } = descriptor;
  return {
    mediaType: isDocker ? MediaType.dockerLayerGzip : mediaType,
    digest,
    size,
    ...(annotations === undefined ? {} : { annotations }),
  };
}
