import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import { stripStoreAnnotations } from "../store/names.ts";
import type { TransferEngine } from "./copy.ts";
import { copyGraph } from "./copy_graph.ts";
import { recordImage } from "./image_record.ts";
import { resolveAmong } from "./resolve_image.ts";
import { familiarName, readImages, splitName } from "./stored_image.ts";

/**
 * Forms that `save` writes.
 *
 * @example What podman and docker both load
 * ```ts
 * import type { SaveFormat } from "@strata/strata";
 *
 * const format: SaveFormat = "docker-archive";
 * console.log(format);
 * ```
 */
export type SaveFormat = "docker-archive" | "oci-archive" | "oci" | "dir";

/**
 * What `save` is told.
 *
 * @example A folder that skopeo reads
 * ```ts
 * import type { SaveInput } from "@strata/strata";
 *
 * const input: SaveInput = { images: ["app"], format: "oci", output: "layout" };
 * console.log(input);
 * ```
 */
export interface SaveInput {
  /** Names, IDs, ID prefixes, digests or aliases; by ID or alias an image is saved without its names. */
  readonly images: readonly string[];
  /** Form; `docker-archive` when left out. */
  readonly format?: SaveFormat;
  /** Path of the file or directory; `-` writes an archive to standard output. */
  readonly output: string;
  /** Keep only these platforms of an index; all when left out. */
  readonly platforms?: readonly Platform[];
}

/**
 * What `save` wrote.
 *
 * @example IDs of what was saved
 * ```ts
 * import type { SaveResult } from "@strata/strata";
 *
 * const ids = ({ images }: SaveResult): string[] => images.map(({ id }) => id);
 * console.log(ids({ images: [] }));
 * ```
 */
export interface SaveResult {
  /** One for each saved image, in the order given. */
  readonly images: readonly {
    readonly id: Digest;
    readonly name: string | undefined;
    readonly descriptor: Descriptor;
  }[];
}

/**
 * Writes images to an archive or a layout directory: several images into one, each blob once, the names last. The file takes its
 * place only when it is complete. Rejects `NOT_FOUND` for an unknown image or platform, `INVALID_ARGUMENT` for nothing to save, and
 * `CONTENT_MISMATCH` for a docker-archive with a layer that is not what its image says.
 *
 * @example Write an archive that docker loads
 * ```ts
 * import { builtins, createCall, createEngine, importImage, saveImages } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * const { images } = await saveImages(engine, { images: ["app"], output: `${root}/app.tar` }, createCall());
 * console.log(images.length);
 * ```
 */
export async function saveImages(engine: TransferEngine, input: SaveInput, call: Call): Promise<SaveResult> {
  if (input.images.length === 0) {
    throw new EngineError("INVALID_ARGUMENT", `Cannot save images to "${input.output}": no image was named`);
  }
  const { store } = engine;
  await using lease = await store.lease(call);
  void lease;
  const all = await readImages(store, call);
  const chosen = input.images.map((text) => resolveAmong(all, text));
  const format = input.format ?? "docker-archive";
  const hook = await engine.host.transport(format);
  await using sink = await hook.sink(input.output, call);
  const images: { id: Digest; name: string | undefined; descriptor: Descriptor }[] = [];
  for (const { id, matched, descriptor: stored } of chosen) {
    const root = stripStoreAnnotations(stored);
    // Its readers know layers by what they unpack to.
    if (format === "docker-archive") await recordImage(store, root, call);
    const descriptor = await copyGraph({ from: store, to: sink, root, platforms: input.platforms ?? [] }, call);
    const name = matched !== undefined && splitName(matched).tag !== undefined ? matched : undefined;
    await sink.tag(descriptor, name ?? `@${descriptor.digest}`, call);
    images.push({ id, name: name === undefined ? undefined : familiarName(name), descriptor });
  }
  await sink.commit(call);
  return { images };
}
