import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import type { Reference } from "../oci/reference.ts";
import { verifiedSource } from "../store/verified.ts";
import type { TransferEngine } from "./copy.ts";
import { copyGraph } from "./copy_graph.ts";
import { createCheckingSink } from "./layer_check.ts";
import { type LoadPlace, type LoadSource, namingInput, openLoadPlace } from "./load_place.ts";
import { type LoadedImage, nameLoaded, readIncomingName } from "./name_loaded.ts";

export type { LoadSource } from "./load_place.ts";
export type { LoadedImage } from "./name_loaded.ts";

/**
 * What `load` is told.
 *
 * @example From a file
 * ```ts
 * import type { LoadInput } from "@strata/strata";
 *
 * const input: LoadInput = { source: { path: "app.tar" } };
 * console.log(input);
 * ```
 */
export interface LoadInput {
  /** A docker-archive or OCI archive, plain or compressed (gzip, bzip2, xz, zstd), or an OCI or `dir` directory. */
  readonly source: LoadSource;
  /** Keep only these platforms of an index; all that are there when left out. */
  readonly platforms?: readonly Platform[];
}

/**
 * What `load` did.
 *
 * @example Names that were loaded
 * ```ts
 * import type { LoadResult } from "@strata/strata";
 *
 * const names = ({ images }: LoadResult): string[] => images.flatMap(({ names }) => names);
 * console.log(names({ images: [] }));
 * ```
 */
export interface LoadResult {
  /** In the order of their names in the archive. */
  readonly images: readonly LoadedImage[];
}

/**
 * Loads the images of an archive or a layout directory. Every blob is checked against its digest and every layer against its diffID
 * before anything gets a name, and all names are given in one step. Image IDs are those of where the images were saved. Rejects
 * `NOT_FOUND`, `INVALID_ARGUMENT` or `CONTENT_MISMATCH` for what is no sound archive.
 *
 * @example Load what was saved
 * ```ts
 * import { builtins, createCall, createEngine, importImage, loadImages, saveImages } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * await saveImages(engine, { images: ["app"], output: `${root}/app.tar` }, createCall());
 * const { images } = await loadImages(engine, { source: { path: `${root}/app.tar` } }, createCall());
 * console.log(images.length);
 * ```
 */
export async function loadImages(engine: TransferEngine, input: LoadInput, call: Call): Promise<LoadResult> {
  const { store } = engine;
  await using lease = await store.lease(call);
  void lease;
  await using place = await openLoadPlace(store, input.source, call);
  try {
    return await loadFrom(engine, { place, platforms: input.platforms ?? [] }, call);
  } catch (error) {
    throw namingInput(place, error);
  }
}

async function loadFrom(
  engine: TransferEngine,
  input: { readonly place: LoadPlace; readonly platforms: readonly Platform[] },
  call: Call,
): Promise<LoadResult> {
  const { store } = engine;
  const { place, platforms } = input;
  const hook = await engine.host.transport(place.scheme);
  await using source = await hook.source(place.path, call);
  const from = verifiedSource(source);
  const images = new Map<Digest, { root: Descriptor; references: Reference[] }>();
  for await (const { name, descriptor } of source.names("", call)) {
    const reference = readIncomingName(name, call);
    const image = images.get(descriptor.digest) ?? { root: descriptor, references: [] };
    images.set(descriptor.digest, image);
    if (reference !== undefined) image.references.push(reference);
  }
  if (images.size === 0) {
    throw new EngineError("INVALID_ARGUMENT", `Cannot load "${place.path}": there is no image in it`, {
      detail: { field: "source", value: place.path },
    });
  }
  using sink = createCheckingSink(store, call);
  const copied: { descriptor: Descriptor; references: readonly Reference[] }[] = [];
  for (const { root, references } of images.values()) {
    const descriptor = await copyGraph({ from, to: sink, root, platforms }, call);
    copied.push({ descriptor, references });
  }
  return { images: await nameLoaded(engine, copied, { diffIds: await sink.diffIds() }, call) };
}
