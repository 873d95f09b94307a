import type { ImageContent } from "../build/base_image.ts";
import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import type { ImageConfig } from "../oci/image_config.ts";
import type { Manifest } from "../oci/manifest.ts";
import { MediaType } from "../oci/media_type.ts";
import type { Annotation } from "./annotation.ts";
import type { CompressionChoice } from "./compression_choice.ts";
import { copyOpened } from "./copy.ts";
import { copyGraph } from "./copy_graph.ts";
import { type OpenBases, openBases, type OpenImage, openOne, type RebaseInput } from "./edit_base.ts";
import { applyChange, checkChange, type ConfigChange } from "./edit_change.ts";
import { type ConfigDifference, diffConfigs } from "./edit_diff.ts";
import { type EditedGraph, editGraph } from "./edit_graph.ts";
import { withDocuments } from "./edit_source.ts";
import { describeEdit } from "./edit_text.ts";
import { rebaseConfig } from "./rebase_config.ts";
import type { RegistryEngine } from "./registry.ts";
import { type Place, readPlace } from "./transfer_place.ts";

export type { RebaseInput } from "./edit_base.ts";
export type { ConfigChange } from "./edit_change.ts";
export type { ConfigDifference } from "./edit_diff.ts";

/**
 * What `edit` is told. Addresses as of `copy`.
 *
 * @example A label for an image of a registry
 * ```ts
 * import type { EditInput } from "@strata/strata";
 *
 * const input: EditInput = {
 *   source: "registry:registry.example.com/team/app:1",
 *   target: "registry:registry.example.com/team/app:1",
 *   change: { labels: { reviewed: "yes" } },
 * };
 * console.log(input);
 * ```
 */
export interface EditInput extends CompressionChoice {
  /** The image, or index of images, to edit. */
  readonly source: string;
  /** Where the result goes; the source itself stays unless it is the same. */
  readonly target: string;
  /** What changes in the config. */
  readonly change?: ConfigChange;
  /** Annotations to set. */
  readonly annotations?: readonly Annotation[];
  /** Annotations to take away; their values do not count. */
  readonly unsetAnnotations?: readonly Annotation[];
  /** Puts the image on another base. */
  readonly rebase?: RebaseInput;
  /** Platforms of an index that are edited; all when left out. The others go along as they are. */
  readonly platforms?: readonly Platform[];
  /** Write nothing. */
  readonly dryRun?: boolean;
}

/**
 * One platform's image that was edited.
 *
 * @example Whether anything has changed
 * ```ts
 * import type { EditedPlatform } from "@strata/strata";
 *
 * const isChanged = ({ before, after }: EditedPlatform): boolean => before !== after;
 * ```
 */
export interface EditedPlatform {
  /** That of its config. */
  readonly platform: Platform;
  /** Digest of its manifest before. */
  readonly before: Digest;
  /** Digest of its manifest now. */
  readonly after: Digest;
  /** How its config differs, `created` and history included. */
  readonly differences: readonly ConfigDifference[];
}

/**
 * What `edit` did, or would do.
 *
 * @example Show what an edit does
 * ```ts
 * import type { EditResult } from "@strata/strata";
 *
 * function changes({ images }: EditResult): string[] {
 *   return images.flatMap(({ differences }) => differences.map(({ path, after }) => `${path}: ${after ?? "gone"}`));
 * }
 * ```
 */
export interface EditResult {
  /** Name that the image has at the target; undefined without one. */
  readonly name: string | undefined;
  /** What stands for it there. */
  readonly descriptor: Descriptor;
  /** In the order of the index. */
  readonly images: readonly EditedPlatform[];
}

/** Blobs that are copied at once. */
const editJobs = 4;

/**
 * Changes the config and the annotations of an image, or puts it on another base, without a build. Only manifests and configs are
 * read; layers are copied straight from where they are to the target, and not at all where that has them or can take them over. Each
 * edited image gets one entry of history without a layer. Rejects `INVALID_ARGUMENT` when nothing is to be changed or the image is not on
 * the old base, `NOT_FOUND`, and as `copyImages` does.
 *
 * @example Change the command of an image without a build
 * ```ts
 * import { builtins, createCall, createEngine, editImage, importImage } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * const change = { cmd: ["/bin/app"] };
 * const { images } = await editImage(engine, { source: "app", target: "app:2", change }, createCall());
 * console.log(images[0]?.differences);
 * ```
 */
export async function editImage(engine: RegistryEngine, input: EditInput, call: Call): Promise<EditResult> {
  checkInput(input);
  await using stack = new AsyncDisposableStack();
  stack.use(await engine.store.lease(call));
  const target = await readPlace(engine, input.target);
  const source = stack.use(await openOne(engine, input.source, call));
  const bases = input.rebase === undefined ? undefined : stack.use(await openBases(engine, input.rebase, call));
  const { annotations = [], unsetAnnotations = [], platforms = [] } = input;
  const { content, descriptor: root } = source;
  const edit = (image: ImageContent): Promise<Edited> => editOne(engine, { input, image, bases });
  const graph = await editGraph(
    { name: input.source, content, root, platforms, annotations, unsetAnnotations, edit },
    call,
  );
  const name = input.dryRun === true ? undefined : await write(engine, { input, source, bases, target, graph }, call);
  const images = graph.images.map(({ platform, before, config, descriptor }) => ({
    platform,
    before: before.descriptor.digest,
    after: descriptor.digest,
    differences: diffConfigs(before.config, config),
  }));
  return { name, descriptor: graph.root, images };
}

function checkInput({ change = {}, annotations = [], unsetAnnotations = [], rebase, source }: EditInput): void {
  checkChange(change);
  const isNothing = Object.values(change).every((value: unknown) =>
    value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0 &&
      value !== change.entrypoint && value !== change.cmd)
  );
  if (!isNothing || annotations.length + unsetAnnotations.length > 0 || rebase !== undefined) return;
  throw new EngineError("INVALID_ARGUMENT", `Cannot edit "${source}": nothing is to be changed`, {
    hint: "Say what to change, such as --env NAME=VALUE; strata copy copies an image as it is",
  });
}

interface Edited {
  readonly config: ImageConfig;
  readonly manifest: Manifest;
}

async function editOne(
  { config: { sourceDateEpoch }, clock }: RegistryEngine,
  { input, image, bases }: {
    readonly input: EditInput;
    readonly image: ImageContent;
    readonly bases?: OpenBases | undefined;
  },
): Promise<Edited> {
  const { change = {}, annotations = [], unsetAnnotations = [] } = input;
  const base = await bases?.read(image.platform);
  const start = base === undefined ? { ...image.config, history: image.history } : rebaseConfig({ image, ...base });
  const created = (sourceDateEpoch === undefined ? clock() : new Date(sourceDateEpoch * 1000)).toISOString();
  const createdBy = describeEdit({ ...change, annotations, unsetAnnotations }, base?.newBase.descriptor);
  const { author, ...rest } = start;
  const by = change.author ?? author ?? "";
  const config: ImageConfig = {
    ...rest,
    ...(by === "" ? {} : { author: by }),
    created,
    config: applyChange(start.config ?? {}, change),
    history: [...start.history ?? [], { created, created_by: createdBy, empty_layer: true }],
  };
  if (base === undefined || bases === undefined) return { config, manifest: image.manifest };
  const own = image.manifest.layers.slice(base.oldBase.manifest.layers.length);
  const layers = [...base.newBase.manifest.layers, ...own];
  return { config, manifest: { ...image.manifest, layers, ...baseAnnotations(image, base.newBase, bases.newBase) } };
}

/** What an OCI manifest says of its base (image-spec, annotations.md); Docker's form has no annotations. */
function baseAnnotations(
  { manifest, descriptor }: ImageContent,
  base: ImageContent,
  { place, name }: OpenImage,
): Pick<Manifest, "annotations"> {
  if (descriptor.mediaType !== MediaType.manifest) return {};
  const { "org.opencontainers.image.base.name": _name, ...others } = manifest.annotations ?? {};
  const isNamed = place.type === "registry" && !name.startsWith("@");
  return {
    annotations: {
      ...others,
      "org.opencontainers.image.base.digest": base.descriptor.digest,
      ...(isNamed ? { "org.opencontainers.image.base.name": name } : {}),
    },
  };
}

interface Writing {
  readonly input: EditInput;
  readonly source: OpenImage;
  readonly bases: OpenBases | undefined;
  readonly target: Place;
  readonly graph: EditedGraph;
}

/** Copies the result to the target; gives its name there. */
async function write(engine: RegistryEngine, writing: Writing, call: Call): Promise<string | undefined> {
  const { source, bases, target, graph } = writing;
  const layers = bases?.layers ?? new Map();
  const content = withDocuments(source.content, graph.documents, layers);
  const from = source.place;
  const named = [{ name: source.name, descriptor: graph.root }];
  const input = { ...writing.input, platforms: [] };
  if (target.type === "registry" && [from, bases?.newBase.place].some((place) => place?.type === "store")) {
    // A push compresses layers that are plain in the store, so it sends what is there.
    const { store, clock } = engine;
    await copyGraph({ from: content, to: store, root: graph.root, platforms: [], jobs: editJobs, clock }, call);
    const opened = { ...source.source, content: store, named, transport: undefined };
    const { images } = await copyOpened(engine, {
      input,
      source: opened,
      from: { type: "store", text: source.name },
      target,
    }, call);
    return images[0]?.name;
  }
  const originOf = ({ digest }: Descriptor): Place | undefined => {
    if (graph.documents.has(digest)) return undefined;
    return layers.has(digest) ? bases?.newBase.place : from;
  };
  const opened = { ...source.source, content, named, transport: undefined };
  const { images } = await copyOpened(engine, { input, source: opened, from, target, originOf }, call);
  return images[0]?.name;
}
