import type { Call } from "../contract/call.ts";
import type { ContentSource, Named } from "../contract/content.ts";
import { isEngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { isIndexType } from "../oci/media_type.ts";
import { formatReference } from "../oci/reference.ts";
import { readManifest } from "../oci/validate.ts";
import { readDocument } from "../store/graph.ts";
import { openCopySource } from "./copy_source.ts";
import { readIncomingName } from "./name_loaded.ts";
import type { RegistryEngine } from "./registry.ts";
import type { SeenImage, SeenImages } from "./seen_image.ts";
import { type Place, readPlace } from "./transfer_place.ts";

/**
 * Opens the images at an address outside the store; undefined for what is a name or an ID of the store. Documents alone are read of them:
 * manifests, indexes and configs. Rejects `NOT_FOUND` when nothing is there, and as the transport does.
 */
export async function openPlacedImages(
  engine: RegistryEngine,
  text: string,
  call: Call,
): Promise<SeenImages | undefined> {
  const place = await readPlace(engine, text);
  if (place.type === "store") return undefined;
  await using stack = new AsyncDisposableStack();
  const source = stack.use(await openCopySource(engine, { place, address: text, names: [], all: false }, call));
  const images: SeenImage[] = [];
  for (const [descriptor, named] of byContent(source.named)) {
    images.push(await see({ place, content: source.content }, { descriptor, named }, call));
  }
  const held = stack.move();
  return { images, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** Names by what they point at, in order. */
function byContent(named: readonly Named[]): ReadonlyMap<Descriptor, readonly Named[]> {
  const firsts = new Map<Digest, Descriptor>();
  for (const { descriptor } of named) if (!firsts.has(descriptor.digest)) firsts.set(descriptor.digest, descriptor);
  return new Map(
    [...firsts.values()].map((first) => [first, named.filter(({ descriptor }) => descriptor.digest === first.digest)]),
  );
}

async function see(
  { place, content }: { readonly place: Place; readonly content: ContentSource },
  { descriptor, named }: { readonly descriptor: Descriptor; readonly named: readonly Named[] },
  call: Call,
): Promise<SeenImage> {
  const quiet: Call = { signal: call.signal, emit: () => {} };
  const names = place.type === "registry" && named.every(({ name }) => name.startsWith("@"))
    ? [`${place.host}/${place.repository}@${descriptor.digest}`]
    : named.flatMap(({ name }) => {
      const reference = readIncomingName(name, quiet);
      return reference === undefined ? [] : [formatReference(reference)];
    });
  return {
    id: await idOf(content, descriptor, call),
    descriptor,
    names,
    targets: new Map(names.map((name) => [name, descriptor])),
    taggedAt: undefined,
    // What a registry lists is not asked for; a file may lack platforms.
    source: { open: content.open, has: place.type === "registry" ? () => Promise.resolve(true) : hasIn(content) },
    sizes: ({ manifest }) => Promise.resolve(manifest.layers.map(({ size }) => size)),
    size: ({ manifest }) => Promise.resolve(manifest.layers.reduce((total, { size }) => total + size, 0)),
  };
}

/** Image ID, the one that the image has in a store. */
async function idOf(content: ContentSource, descriptor: Descriptor, call: Call): Promise<Digest> {
  if (isIndexType(descriptor.mediaType)) return descriptor.digest;
  return readManifest(await readDocument(content, descriptor, call), descriptor.mediaType).config.digest;
}

function hasIn(content: ContentSource): SeenImage["source"]["has"] {
  return async (descriptor, call) => {
    try {
      await (await content.open(descriptor, call)).cancel();
      return true;
    } catch (error) {
      if (isEngineError(error) && error.code === "NOT_FOUND") return false;
      throw error;
    }
  };
}
