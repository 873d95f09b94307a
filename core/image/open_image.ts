import type { ImageContent } from "../build/base_image.ts";
import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { EngineError } from "../errors.ts";
import type { Digest, Platform } from "../oci/descriptor.ts";
import { SharedWork } from "../stream/shared_work.ts";
import { chooseContent } from "./choose_content.ts";
import { isLayerType } from "./content_kind.ts";
import { createImageFiles, type ImageFiles } from "./image_files.ts";
import type { RegistryEngine } from "./registry.ts";
import { seeImagesNow } from "./see_images.ts";
import type { SeenImage } from "./seen_image.ts";

/**
 * Which image is opened.
 *
 * @example An archive, for a platform
 * ```ts
 * import type { OpenImageInput } from "@strata/strata";
 *
 * const input: OpenImageInput = {
 *   image: "oci-archive:app.tar",
 *   platform: { os: "linux", architecture: "arm64" },
 * };
 * console.log(input);
 * ```
 */
export interface OpenImageInput {
  /** A name, an ID, a start of one, a digest or an alias of an image of the store; else an address as of `copy`. */
  readonly image: string;
  /** Platform of an index; the host's when left out. */
  readonly platform?: Platform;
  /** One layer alone, by its number, 0 for the base, or by its digest or diffID; all of them when left out. */
  readonly layer?: number | Digest;
}

/**
 * Opens an image as a file system that is read from its layers, without unpacking it. What it needs stays in the store until it is
 * disposed, also when the image is removed meanwhile. Of an image in the store, files are read where they lie in its layers; a layer that
 * is compressed is put beside, as a plain one, when a file of it is first read. Layers of an image elsewhere (`registry:NAME`,
 * `oci:PATH`, `docker-archive:PATH`) come into the store, each whole, when they are first needed. What was put there has no name and goes with
 * the next collection. Aborting the call makes what is read later reject `CANCELED`. Rejects `NOT_FOUND` for an unknown image, platform or layer,
 * `CONFLICT` for a text that stands for several images, and `INVALID_ARGUMENT` for an archive that holds several.
 *
 * @example Read a file of an image
 * ```ts
 * import { buildImage, builtins, createCall, createEngine, openImage } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * await Deno.writeTextFile(`${root}/Dockerfile`, "FROM scratch\nCOPY Dockerfile /etc/motd\n");
 * const context = { type: "directory", path: root } as const;
 * await buildImage(engine, { context, tags: ["app"] }, createCall());
 *
 * await using image = await openImage(engine, { image: "app" }, createCall());
 * console.log(await image.readTextFile("/etc/motd"));
 * for await (const { type, path, size } of image.walk()) console.log(type, path, size);
 * ```
 */
export async function openImage(engine: RegistryEngine, input: OpenImageInput, call: Call): Promise<ImageFiles> {
  await using stack = new AsyncDisposableStack();
  stack.use(await engine.store.lease(call));
  const { images } = stack.use(await seeImagesNow(engine, input.image, call));
  const [image, second] = images;
  if (image === undefined || second !== undefined) throw severalImages(input.image, images.length);
  const choice = { descriptor: image.descriptor, name: input.image, platform: input.platform };
  const content = ofLayer(await chooseContent(image.source, choice, call), input);
  const store = image.source === engine.store
    ? await holdLayers(engine.store, content, call)
    : fetchingStore(engine.store, image.source, stack);
  const held = stack.move();
  return createImageFiles({ id: image.id, content, store, close: () => held.disposeAsync() }, call);
}

/** The content with the layer that is asked for alone. */
function ofLayer(content: ImageContent, { image, layer }: OpenImageInput): ImageContent {
  if (layer === undefined) return content;
  const { layers } = content.chain;
  const found = typeof layer === "number"
    ? layers[layer]
    : layers.find(({ descriptor, diffId }) => descriptor.digest === layer || diffId === layer);
  if (found !== undefined) return { ...content, chain: { ...content.chain, layers: [found] } };
  throw new EngineError(
    "NOT_FOUND",
    `Cannot open layer "${layer}" of image "${image}": it has ${layers.length} layers`,
    {
      detail: { kind: "layer", name: String(layer), layers: layers.map(({ diffId }) => diffId) },
    },
  );
}

/** The store, whose lease protects from now on the layers that are there. */
async function holdLayers(store: Store, { chain }: ImageContent, call: Call): Promise<Store> {
  for (const { descriptor } of chain.layers) await store.has(descriptor, call);
  return store;
}

/** A store that takes layers from elsewhere when they are opened, each once, checked while they come. */
function fetchingStore(store: Store, from: SeenImage["source"], stack: AsyncDisposableStack): Store {
  const fetched = new SharedWork<Digest, void>();
  stack.defer(() => fetched.idle());
  return {
    ...store,
    async open(descriptor, call, offset): ReturnType<Store["open"]> {
      if (isLayerType(descriptor.mediaType)) {
        const fetch = (inner: Call): Promise<void> =>
          store.put(descriptor, (at) => from.open(descriptor, inner, at), inner);
        await fetched.get(descriptor.digest, fetch, call);
      }
      return await store.open(descriptor, call, offset);
    },
  };
}

function severalImages(image: string, count: number): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot open image "${image}": it holds ${count} images, expected one`, {
    detail: { field: "image", value: image },
  });
}
