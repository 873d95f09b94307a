import { type ImageContent, pickManifest, readImage } from "../build/base_image.ts";
import type { Call } from "../contract/call.ts";
import type { ContentSource } from "../contract/content.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import { type CopySource, openCopySource } from "./copy_source.ts";
import { rememberDocuments } from "./edit_source.ts";
import type { RegistryEngine } from "./registry.ts";
import { type Place, readPlace } from "./transfer_place.ts";

/**
 * The base that an image was built on, and the one that it gets. Addresses as of `copy`.
 *
 * @example Onto a newer base
 * ```ts
 * import type { RebaseInput } from "@strata/strata";
 *
 * const input: RebaseInput = { oldBase: "registry:alpine:3.19", newBase: "registry:alpine:3.20" };
 * console.log(input);
 * ```
 */
export interface RebaseInput {
  /** Its layers are the first ones of the image. */
  readonly oldBase: string;
  /** Its layers take their place. */
  readonly newBase: string;
}

/** One image at an address. */
export interface OpenImage extends AsyncDisposable {
  readonly place: Place;
  readonly source: CopySource;
  /** Its content; documents are read once. */
  readonly content: ContentSource;
  /** Its name there, `@<digest>` without one. */
  readonly name: string;
  readonly descriptor: Descriptor;
}

/** Opens the one image at an address. Rejects `NOT_FOUND`, and `INVALID_ARGUMENT` when there are several. */
export async function openOne(engine: RegistryEngine, address: string, call: Call): Promise<OpenImage> {
  const place = await readPlace(engine, address);
  await using stack = new AsyncDisposableStack();
  const source = stack.use(await openCopySource(engine, { place, address, names: [], all: false }, call));
  const [first, second] = source.named;
  if (first === undefined || second !== undefined) {
    const state = `it holds ${source.named.length} images, expected one`;
    throw new EngineError("INVALID_ARGUMENT", `Cannot edit "${address}": ${state}`, {
      detail: { field: "source", value: address },
    });
  }
  const held = stack.move();
  return {
    place,
    source,
    content: rememberDocuments(source.content),
    name: first.name,
    descriptor: first.descriptor,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Both bases of a rebase, open. */
export interface OpenBases extends AsyncDisposable {
  readonly newBase: OpenImage;
  /** Layers of the new base that were read about, by digest. */
  readonly layers: ReadonlyMap<Digest, ContentSource>;
  /** The bases of one platform's image. Rejects `NOT_FOUND` when one has none for it. */
  read(platform: Platform): Promise<{ readonly oldBase: ImageContent; readonly newBase: ImageContent }>;
}

/** Opens the bases. Rejects as {@linkcode openOne} does. */
export async function openBases(engine: RegistryEngine, input: RebaseInput, call: Call): Promise<OpenBases> {
  await using stack = new AsyncDisposableStack();
  const oldBase = stack.use(await openOne(engine, input.oldBase, call));
  const newBase = stack.use(await openOne(engine, input.newBase, call));
  const layers = new Map<Digest, ContentSource>();
  const read = async ({ content, descriptor }: OpenImage, name: string, platform: Platform): Promise<ImageContent> =>
    await readImage(content, await pickManifest(content, { descriptor, name, platform }, call), call);
  const held = stack.move();
  return {
    newBase,
    layers,
    read: async (platform) => {
      const bases = {
        oldBase: await read(oldBase, input.oldBase, platform),
        newBase: await read(newBase, input.newBase, platform),
      };
      for (const { digest } of bases.newBase.manifest.layers) layers.set(digest, newBase.content);
      return bases;
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
