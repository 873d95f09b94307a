import type { ChainLayer } from "../build/chain.ts";
import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { essence, MediaType } from "../oci/media_type.ts";
import { compressedName } from "../store/names.ts";
import type { Compressor, Encoding } from "../stream/compress.ts";

/** Names of `--compression`. */
export const compressionNames: readonly ("gzip" | "zstd" | "none")[] = ["gzip", "zstd", "none"];

/** How plain layers leave the store; `none` leaves them as they are. */
export interface CompressionChoice {
  /** gzip when left out. */
  readonly compression?: "gzip" | "zstd" | "none";
  /** 1 to 9 for gzip (6 when left out), 1 to 22 for zstd (3 when left out). */
  readonly compressionLevel?: number;
}

const levels = { gzip: { usual: 6, most: 9 }, zstd: { usual: 3, most: 22 } } as const;

/** The encoding that a choice stands for; undefined for none. Throws `INVALID_ARGUMENT` for a level that there is not. */
export function encodingOf({ compression: codec = "gzip", compressionLevel }: CompressionChoice): Encoding | undefined {
  const value = compressionLevel ?? (codec === "none" ? undefined : levels[codec].usual);
  if (codec === "none" && value === undefined) return undefined;
  const most = codec === "none" ? 0 : levels[codec].most;
  if (codec !== "none" && value !== undefined && Number.isSafeInteger(value) && value >= 1 && value <= most) {
    return { codec, level: value };
  }
  const expected = codec === "none"
    ? "no level with compression none"
    : `a whole number from 1 to ${most} for ${codec}`;
  throw new EngineError("INVALID_ARGUMENT", `Cannot use compression level "${value}": expected ${expected}`, {
    detail: { field: "compression-level", value },
  });
}

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
  work: { readonly layer: ChainLayer; readonly encoding: Encoding; readonly compressor: Compressor },
  call: Call,
): Promise<Descriptor> {
  const { layer, encoding, compressor } = work;
  const name = compressedName(`${encoding.codec}-${encoding.level}`, layer.diffId);
  const known = await store.resolve(name, call);
  if (known !== undefined && await store.has(known, call)) return typed(layer, encoding, known);
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
