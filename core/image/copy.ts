import type { Call } from "../contract/call.ts";
import type { ContentSource, Named } from "../contract/content.ts";
import type { TransportHook, TransportSink } from "../contract/transport.ts";
import type { Engine } from "../engine.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";
import { formatReference } from "../oci/reference.ts";
import { verifiedSource } from "../store/verified.ts";
import { copyGraph } from "./copy_graph.ts";
import { nameLoaded, readIncomingName } from "./name_loaded.ts";
import { resolveImage } from "./resolve_image.ts";
import { splitName } from "./stored_image.ts";
import { readTarget } from "./tag.ts";

/** What moving images needs of an engine. */
export type TransferEngine = Pick<Engine, "store" | "host">;

/** What `copy` is told: two addresses with scheme, e.g. `oci-archive:app.tar`; without a scheme, an image of the store. */
export interface CopyInput {
  /** Where to read. */
  readonly source: string;
  /** Where to write. */
  readonly target: string;
  /** Names to copy from a source that holds several; all when left out. */
  readonly names?: readonly string[];
  /** Keep only these platforms of an index; all when left out. */
  readonly platforms?: readonly Platform[];
}

/** What `copy` did. */
export interface CopyResult {
  /** Copied images: the name at the other end (undefined without one) and the descriptor. */
  readonly images: readonly { readonly name: string | undefined; readonly descriptor: Descriptor }[];
}

/**
 * Copies images between two places: children before parents, names last, what is there already is not copied again. Rejects
 * `NOT_FOUND` for an image that is not there and `INVALID_ARGUMENT` when several images would get one name.
 */
export async function copyImages(engine: TransferEngine, input: CopyInput, call: Call): Promise<CopyResult> {
  await using lease = await engine.store.lease(call);
  void lease;
  await using source = await openSource(engine, input.source, call);
  const wanted = input.names ?? [];
  const named = source.named.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const missing = wanted.find((name) => !source.named.some((item) => item.name === name));
  if (missing !== undefined || named.length === 0) throw notThere(input.source, missing);
  const target = await findTransport(engine, input.target);
  if (target === undefined) return await copyToStore(engine, { input, from: source.content, named }, call);
  await using sink = await target.hook.sink(target.address, call);
  return await copyToSink(sink, { input, from: source.content, named }, call);
}

interface Work {
  readonly input: CopyInput;
  readonly from: ContentSource;
  readonly named: readonly Named[];
}

async function copyToSink(sink: TransportSink, { input, from, named }: Work, call: Call): Promise<CopyResult> {
  const images: { name: string | undefined; descriptor: Descriptor }[] = [];
  for (const { name, descriptor: root } of named) {
    const descriptor = await copyGraph({ from, to: sink, root, platforms: input.platforms ?? [] }, call);
    await sink.tag(descriptor, name.startsWith("@") ? `@${descriptor.digest}` : name, call);
    images.push({ name: name.startsWith("@") ? undefined : name, descriptor });
  }
  await sink.commit(call);
  return { images };
}

async function copyToStore(engine: TransferEngine, { input, from, named }: Work, call: Call): Promise<CopyResult> {
  const target = input.target === "" ? undefined : readTarget(input.target);
  if (target !== undefined && named.length > 1) {
    const message = `Cannot copy "${input.source}" to "${input.target}": it holds ${named.length} images, expected one`;
    throw new EngineError("INVALID_ARGUMENT", message, { hint: "Name one of its images" });
  }
  const loaded: { descriptor: Descriptor; references: readonly NonNullable<ReturnType<typeof readIncomingName>>[] }[] =
    [];
  for (const { name, descriptor: root } of named) {
    const descriptor = await copyGraph({ from, to: engine.store, root, platforms: input.platforms ?? [] }, call);
    const reference = target ?? readIncomingName(name, call);
    loaded.push({ descriptor, references: reference === undefined ? [] : [reference] });
  }
  await nameLoaded(engine, loaded, call);
  const images = loaded.map(({ descriptor, references }) => ({
    name: references[0] === undefined ? undefined : formatReference(references[0]),
    descriptor,
  }));
  return { images };
}

interface OpenSource extends AsyncDisposable {
  readonly content: ContentSource;
  readonly named: readonly Named[];
}

async function openSource(engine: TransferEngine, address: string, call: Call): Promise<OpenSource> {
  const found = await findTransport(engine, address);
  if (found === undefined) {
    const { descriptor, matched } = await resolveImage(engine, address, call);
    const name = matched === undefined || splitName(matched).tag === undefined ? `@${descriptor.digest}` : matched;
    const named = [{ name, descriptor }];
    return { content: engine.store, named, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const source = await found.hook.source(found.address, call);
  const named = await Array.fromAsync(source.names("", call));
  return { content: verifiedSource(source), named, [Symbol.asyncDispose]: () => source[Symbol.asyncDispose]() };
}

async function findTransport(
  engine: TransferEngine,
  address: string,
): Promise<{ readonly hook: TransportHook; readonly address: string } | undefined> {
  const colon = address.indexOf(":");
  if (colon <= 0) return undefined;
  try {
    return { hook: await engine.host.transport(address.slice(0, colon)), address: address.slice(colon + 1) };
  } catch (error) {
    if (isEngineError(error) && error.code === "UNSUPPORTED") return undefined;
    throw error;
  }
}

function notThere(source: string, name: string | undefined): EngineError {
  const state = name === undefined ? "it holds no image" : `it holds no image named "${name}"`;
  return new EngineError("NOT_FOUND", `Cannot copy "${source}": ${state}`, {
    detail: { kind: "image", name: name ?? source },
  });
}
