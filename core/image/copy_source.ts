import type { Call } from "../contract/call.ts";
import type { ContentSource, Named } from "../contract/content.ts";
import type { TransportSource } from "../contract/transport.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { isDigest } from "../oci/digest.ts";
import { stripStoreAnnotations } from "../store/names.ts";
import { verifiedSource } from "../store/verified.ts";
import { type RegistryEngine, repositoryAddress, resolveRemote } from "./registry.ts";
import { resolveImage } from "./resolve_image.ts";
import { splitName } from "./stored_image.ts";
import type { Place } from "./transfer_place.ts";

/** An open place to copy images from. */
export interface CopySource extends AsyncDisposable {
  /** Its content, checked. */
  readonly content: ContentSource;
  /** The images that are meant: canonical names, tags alone, or `@digest` for one without a name. */
  readonly named: readonly Named[];
  /** The place itself; undefined for the store. */
  readonly transport: TransportSource | undefined;
}

/** Which images of a source are meant. */
export interface SourceChoice {
  /** What the user wrote, for messages. */
  readonly address: string;
  /** Names in the source; all of an archive when empty. */
  readonly names: readonly string[];
  /** Every tag of a repository, where none is named. */
  readonly all: boolean;
}

/** Opens a place and finds the images that are meant. Rejects `NOT_FOUND` when one is not there. */
export async function openCopySource(
  engine: RegistryEngine,
  { place, ...choice }: SourceChoice & { readonly place: Place },
  call: Call,
): Promise<CopySource> {
  if (place.type === "store") return await openStored(engine, place.text, call);
  const address = place.type === "registry" ? repositoryAddress(place) : place.address;
  await using stack = new AsyncDisposableStack();
  const transport = stack.use(await place.hook.source(address, call));
  const named = place.type === "registry"
    ? await namedRemote(transport, { place, choice }, call)
    : await Array.fromAsync(transport.names("", call));
  const chosen = named.filter(({ name }) => choice.names.length === 0 || choice.names.includes(name));
  const missing = choice.names.find((name) => !named.some((item) => item.name === name));
  if (missing !== undefined || chosen.length === 0) throw notThere(choice.address, missing);
  const held = stack.move();
  return {
    content: verifiedSource(transport),
    named: chosen,
    transport,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function openStored(engine: RegistryEngine, text: string, call: Call): Promise<CopySource> {
  const { descriptor, matched } = await resolveImage(engine, text, call);
  const name = matched === undefined || splitName(matched).tag === undefined ? `@${descriptor.digest}` : matched;
  return {
    content: engine.store,
    named: [{ name, descriptor: stripStoreAnnotations(descriptor) }],
    transport: undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function namedRemote(
  source: TransportSource,
  { place, choice }: { readonly place: Extract<Place, { type: "registry" }>; readonly choice: SourceChoice },
  call: Call,
): Promise<readonly Named[]> {
  const { host, repository, name } = place;
  const resolve = async (tag: string): Promise<Descriptor> =>
    await resolveRemote(source, isDigest(tag) ? { host, repository, digest: tag } : { host, repository, tag }, call);
  if (name !== undefined && isDigest(name)) return [{ name: `@${name}`, descriptor: await resolve(name) }];
  const tags = name !== undefined ? [name] : choice.all ? await Array.fromAsync(source.list("", call)) : ["latest"];
  const named: Named[] = [];
  for (const tag of tags) named.push({ name: `${host}/${repository}:${tag}`, descriptor: await resolve(tag) });
  return named;
}

function notThere(source: string, name: string | undefined): EngineError {
  const state = name === undefined ? "it holds no image" : `it holds no image named "${name}"`;
  return new EngineError("NOT_FOUND", `Cannot copy "${source}": ${state}`, {
    detail: { kind: "image", name: name ?? source },
  });
}
