import type { Call } from "../contract/call.ts";
import type { TransportSink } from "../contract/transport.ts";
import type { Engine } from "../engine.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";
import { formatReference, parseReference, type Reference } from "../oci/reference.ts";
import type { CompressionChoice } from "./compression_choice.ts";
import { chooseParts } from "./copy_graph.ts";
import { copyReferrers } from "./copy_referrers.ts";
import { type CopySource, openCopySource } from "./copy_source.ts";
import { createGraphCopier } from "./graph_copier.ts";
import { createCheckingSink } from "./layer_check.ts";
import { copyGraph } from "./copy_graph.ts";
import { nameLoaded, readIncomingName } from "./name_loaded.ts";
import { narrowIndex } from "./narrow_index.ts";
import { pushAs } from "./push.ts";
import { type RegistryEngine, repositoryAddress } from "./registry.ts";
import { readTarget } from "./tag.ts";
import { type Place, readPlace } from "./transfer_place.ts";

/**
 * What moving images needs of an engine.
 *
 * @example Save with an engine that has a store and plugins
 * ```ts
 * import { createCall, saveImages, type SaveInput, type SaveResult, type TransferEngine } from "@strata/strata";
 *
 * const save = (engine: TransferEngine, input: SaveInput): Promise<SaveResult> =>
 *   saveImages(engine, input, createCall());
 * ```
 */
export type TransferEngine = Pick<Engine, "store" | "host">;

/**
 * What `copy` is told. An address is `SCHEME:…`, e.g. `oci-archive:app.tar` or `registry:quay.io/team/app:1`; a name alone is one of the store.
 *
 * @example From a registry to an archive
 * ```ts
 * import type { CopyInput } from "@strata/strata";
 *
 * const input: CopyInput = { source: "registry:alpine:3.20", target: "oci-archive:alpine.tar" };
 * console.log(input);
 * ```
 */
export interface CopyInput extends CompressionChoice {
  /** Where to read. */
  readonly source: string;
  /** Where to write. */
  readonly target: string;
  /** Names to copy from a source that holds several; all when left out. */
  readonly names?: readonly string[];
  /** Every tag of a repository that is named without one; `latest` when left out. */
  readonly all?: boolean;
  /** Keep only these platforms of an index; all when left out. */
  readonly platforms?: readonly Platform[];
  /** Copy what is about the images too: signatures, SBOMs, attestations. */
  readonly referrers?: boolean;
}

/**
 * What `copy` did.
 *
 * @example Digests of what was copied
 * ```ts
 * import type { CopyResult } from "@strata/strata";
 *
 * const digests = ({ images }: CopyResult): string[] => images.map(({ descriptor }) => descriptor.digest);
 * console.log(digests({ images: [], referrers: 0 }));
 * ```
 */
export interface CopyResult {
  /** Copied images: the name at the other end (undefined without one) and the descriptor. */
  readonly images: readonly { readonly name: string | undefined; readonly descriptor: Descriptor }[];
  /** Manifests about the images that were copied with them. */
  readonly referrers: number;
}

/** Blobs that are copied at once, where the other end takes several. */
const copyJobs = 4;

/**
 * Copies images between two places, from one straight to the other: children before parents, names last, what is there already is not
 * copied again. Images of the store go to registries as `push` sends them. Rejects `NOT_FOUND` for an image that is not there and
 * `INVALID_ARGUMENT` when several images would get one name.
 *
 * @example Copy an image to a folder
 * ```ts
 * import { builtins, copyImages, createCall, createEngine, importImage } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * const copied = await copyImages(engine, { source: "app", target: `oci:${root}/layout:1` }, createCall());
 * console.log(copied);
 * ```
 */
export async function copyImages(engine: RegistryEngine, input: CopyInput, call: Call): Promise<CopyResult> {
  await using lease = await engine.store.lease(call);
  void lease;
  const from = await readPlace(engine, input.source);
  const target = await readPlace(engine, input.target);
  const choice = { address: input.source, names: input.names ?? [], all: input.all === true };
  await using source = await openCopySource(engine, { ...choice, place: from }, call);
  return await copyOpened(engine, { input, source, from, target }, call);
}

/** Copies what an open source holds. The caller holds a lease of the store. Rejects as {@linkcode copyImages} does. */
export async function copyOpened(engine: RegistryEngine, work: CopyWork, call: Call): Promise<CopyResult> {
  const { input, source, from, target } = work;
  checkNames(input, source, target);
  if (target.type === "store") return await copyToStore(engine, { ...work, target }, call);
  if (target.type === "registry" && from.type === "store") return await pushStored(engine, { ...work, target }, call);
  const address = target.type === "registry" ? repositoryAddress(target) : target.address;
  await using sink = await target.hook.sink(address, call);
  return await copyToSink(engine, { ...work, sink }, call);
}

/** A copy whose ends are known. */
export interface CopyWork {
  readonly input: CopyInput;
  readonly source: CopySource;
  readonly from: Place;
  readonly target: Place;
  /** Where a blob is, when it is not where the source says; undefined for what is nowhere yet. */
  readonly originOf?: (blob: Descriptor) => Place | undefined;
}

function checkNames({ source, target }: CopyInput, { named }: CopySource, place: Place): void {
  const hasName = (place.type === "store" && place.text !== "") ||
    (place.type === "registry" && place.name !== undefined);
  if (!hasName || named.length === 1) return;
  const message = `Cannot copy "${source}" to "${target}": it holds ${named.length} images, expected one`;
  throw new EngineError("INVALID_ARGUMENT", message, { hint: "Name one of its images" });
}

async function copyToSink(
  { clock }: RegistryEngine,
  { input, source, from, target, originOf = () => from, sink }: CopyWork & { readonly sink: TransportSink },
  call: Call,
): Promise<CopyResult> {
  const isRemote = target.type === "registry";
  const jobs = isRemote ? copyJobs : 1;
  const to = isRemote ? mounting(sink, target, originOf) : sink;
  const images: { name: string | undefined; descriptor: Descriptor }[] = [];
  let referrers = 0;
  for (const { name, descriptor: wanted } of source.named) {
    const parts = await chooseParts({ from: source.content, root: wanted, platforms: input.platforms ?? [] }, call);
    const whole = { root: parts.root, from: source.content };
    const { root, from: content } = isRemote && parts.keep !== undefined
      ? await narrowIndex(source.content, { root: parts.root, keep: parts.keep }, call)
      : whole;
    const isWanted = (child: Descriptor, parent: Descriptor): boolean =>
      parts.keep === undefined || parent.digest !== root.digest || parts.keep.has(child.digest);
    const copier = createGraphCopier({ from: content, to, jobs, clock, isWanted }, call);
    await copier.copy(root);
    const given = nameAt(target, name, root);
    if (given !== undefined) await sink.tag(root, given, call);
    if (input.referrers === true && source.transport !== undefined) {
      referrers += await copyReferrers({ source: source.transport, sink, copier, root }, call);
    }
    images.push({ name: given?.startsWith("@") === false ? given : undefined, descriptor: root });
  }
  await sink.commit(call);
  return { images, referrers };
}

/** The name that an image gets at the other end: of a registry, a tag; undefined for none. */
function nameAt(target: Place, name: string, { digest }: Descriptor): string | undefined {
  if (target.type !== "registry") return name.startsWith("@") ? `@${digest}` : name;
  return target.name ?? (name.startsWith("@") ? undefined : tagIn(name));
}

/** The tag in a canonical name; a name that is none is a tag alone. */
function tagIn(name: string): string {
  return /[/:]/.test(name) ? parseReference(name).tag ?? "latest" : name;
}

/** A sink that has blobs mounted from another repository of its registry. */
function mounting(
  sink: TransportSink,
  target: Extract<Place, { type: "registry" }>,
  originOf: (blob: Descriptor) => Place | undefined,
): TransportSink {
  return {
    ...sink,
    put: async (descriptor, open, call): Promise<void> => {
      const from = originOf(descriptor);
      const canMount = !/manifest|index/.test(descriptor.mediaType) && from?.type === "registry" &&
        from.host === target.host;
      if (canMount && await sink.mount(descriptor, repositoryAddress(from), call)) return;
      await sink.put(descriptor, open, call);
    },
  };
}

async function pushStored(
  engine: RegistryEngine,
  { input, source, target }: CopyWork & { readonly target: Extract<Place, { type: "registry" }> },
  call: Call,
): Promise<CopyResult> {
  const { host, repository } = target;
  const images: { name: string | undefined; descriptor: Descriptor }[] = [];
  for (const { name, descriptor } of source.named) {
    const tag = target.name ?? (name.startsWith("@") ? "latest" : tagIn(name));
    const pushed = await pushAs(engine, { ...input, name: { host, repository, tag }, descriptor }, call);
    images.push({ name: tag, descriptor: pushed.descriptor });
  }
  return { images, referrers: 0 };
}

async function copyToStore(
  engine: RegistryEngine,
  { input, source, target }: CopyWork & { readonly target: Extract<Place, { type: "store" }> },
  call: Call,
): Promise<CopyResult> {
  const { store, clock } = engine;
  const named = target.text === "" ? undefined : readTarget(target.text);
  using sink = createCheckingSink(store, call);
  const loaded: { descriptor: Descriptor; references: readonly Reference[] }[] = [];
  for (const { name, descriptor: root } of source.named) {
    const platforms = input.platforms ?? [];
    const descriptor = await copyGraph(
      { from: source.content, to: sink, root, platforms, jobs: copyJobs, clock },
      call,
    );
    const reference = named ?? readIncomingName(name, call);
    loaded.push({ descriptor, references: reference === undefined ? [] : [reference] });
  }
  await nameLoaded(engine, loaded, { diffIds: await sink.diffIds() }, call);
  const images = loaded.map(({ descriptor, references }) => ({
    name: references[0] === undefined ? undefined : formatReference(references[0]),
    descriptor,
  }));
  return { images, referrers: 0 };
}
