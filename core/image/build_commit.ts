import { assembleImage, assembleIndex, type AssembleOptions, type Document, resultKey } from "../build/assemble.ts";
import { readImage } from "../build/base_image.ts";
import type { SolvedGraph } from "../build/solve.ts";
import type { Call } from "../contract/call.ts";
import type { NameChange } from "../contract/store.ts";
import type { Engine } from "../engine.ts";
import { isEngineError } from "../errors.ts";
import { canonicalJson } from "../oci/canonical_json.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { matchesPlatform } from "../oci/platform.ts";
import { imageIdName, imageName, resultName } from "../store/names.ts";
import { streamOf } from "../stream/byte_stream.ts";
import type { Reference } from "../oci/reference.ts";
import type { Annotation, AnnotationScope } from "./annotation.ts";
import type { PlatformImage } from "./build_result.ts";
import { recordImage } from "./image_record.ts";

/** What images are written with. */
export interface WriteOptions {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: readonly Annotation[];
  readonly sourceDateEpoch: number | undefined;
  /** Whether an image that an earlier build made of the same parts is taken again, with its times. */
  readonly isReused: boolean;
}

/** Images whose documents are in the store, under no name yet. */
export interface WrittenImage {
  /** Image ID: digest of the config, or of the index. */
  readonly id: Digest;
  /** Manifest, or index of several platforms. */
  readonly descriptor: Descriptor;
  readonly platforms: readonly PlatformImage[];
  /** Names that let the next build find them again. */
  readonly results: readonly NameChange[];
}

/** Writes the documents of solved graphs: a manifest, or an index when there are several. The layers are there already. */
export async function writeImage(
  engine: Engine,
  work: { readonly graphs: readonly SolvedGraph[]; readonly options: WriteOptions },
  call: Call,
): Promise<WrittenImage> {
  const { graphs, options } = work;
  const images = await Promise.all(graphs.map((solved) => writeManifest(engine, { solved, options }, call)));
  const platforms = images.map(({ image }) => image);
  const results = images.map(({ result }) => result);
  const [only, second] = platforms;
  if (only !== undefined && second === undefined) return { id: only.id, descriptor: only.manifest, platforms, results };
  const entries = platforms.map(({ platform, manifest }) => {
    const annotations = annotationsFor(options.annotations, "manifest-descriptor", platform);
    return { ...manifest, platform, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) };
  });
  const index = await assembleIndex(entries, annotationsFor(options.annotations, "index"));
  await putDocument(engine, index, call);
  return { id: index.descriptor.digest, descriptor: index.descriptor, platforms, results };
}

async function writeManifest(
  engine: Engine,
  work: { readonly solved: SolvedGraph; readonly options: WriteOptions },
  call: Call,
): Promise<{ readonly image: PlatformImage; readonly result: NameChange }> {
  const { solved, options } = work;
  const { platform } = solved.graph;
  const assembly: AssembleOptions = {
    labels: options.labels,
    annotations: annotationsFor(options.annotations, "manifest", platform),
    sourceDateEpoch: options.sourceDateEpoch,
  };
  const diffIds = solved.chain.layers.map(({ diffId }) => diffId);
  const name = resultName(await resultKey(solved, assembly));
  const earlier = options.isReused ? await findEarlier(engine, name, call) : undefined;
  if (earlier !== undefined) {
    return { image: { platform, diffIds, ...earlier }, result: { name, descriptor: earlier.manifest } };
  }
  const { manifest, config } = await assembleImage(solved, assembly, engine.clock().toISOString());
  await putDocument(engine, config, call);
  await putDocument(engine, manifest, call);
  const image = { platform, diffIds, manifest: manifest.descriptor, id: config.descriptor.digest };
  return { image, result: { name, descriptor: manifest.descriptor } };
}

/** The image that an earlier build gave under a result's name, when all of it is still there. */
async function findEarlier(
  engine: Engine,
  name: string,
  call: Call,
): Promise<{ readonly manifest: Descriptor; readonly id: Digest } | undefined> {
  const descriptor = await engine.store.resolve(name, call);
  if (descriptor === undefined) return undefined;
  try {
    const { manifest, descriptor: pinned } = await readImage(engine.store, descriptor, call);
    return { manifest: pinned, id: manifest.config.digest };
  } catch (error) {
    if (isEngineError(error) && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

/**
 * Gives written images their names in the store, all at once: the point at which a build has happened. Names that are right
 * already are left alone, so a build that changes nothing writes nothing.
 */
export async function commitImage(
  engine: Engine,
  work: { readonly image: WrittenImage; readonly references: readonly Reference[] },
  call: Call,
): Promise<void> {
  const { image, references } = work;
  const { store } = engine;
  const known = await store.resolve(imageIdName(image.id), call);
  const isKnown = known?.digest === image.descriptor.digest;
  const descriptor = isKnown ? known : await recordImage(store, image.descriptor, call);
  const names = [imageIdName(image.id), ...references.map(imageName)];
  const changes: NameChange[] = [];
  for (const change of [...names.map((name) => ({ name, descriptor })), ...image.results]) {
    const present = await store.resolve(change.name, call);
    if (canonicalJson(present) !== canonicalJson(change.descriptor)) changes.push(change);
  }
  if (changes.length > 0) await store.update(changes, call);
}

async function putDocument(engine: Engine, { descriptor, bytes }: Document, call: Call): Promise<void> {
  await engine.store.put(descriptor, () => Promise.resolve(streamOf(bytes)), call);
}

function annotationsFor(
  annotations: readonly Annotation[],
  scope: AnnotationScope,
  platform?: PlatformImage["platform"],
): Readonly<Record<string, string>> {
  const meant = annotations.filter((each) =>
    each.scope === scope &&
    (each.platform === undefined || platform === undefined || matchesPlatform(platform, each.platform))
  );
  return Object.fromEntries(meant.map(({ key, value }) => [key, value]));
}
