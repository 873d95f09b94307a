import { canonicalJson } from "../oci/canonical_json.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";
import { digestHex, sha256 } from "../oci/digest.ts";
import type { ExecConfig, History, ImageConfig } from "../oci/image_config.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { essence, MediaType } from "../oci/media_type.ts";
import { readImageConfig, readIndex, readManifest } from "../oci/validate.ts";
import { EngineError } from "../errors.ts";
import type { ChainLayer } from "./chain.ts";
import type { SolvedGraph } from "./solve.ts";

/** What an image is made of besides its graph. */
export interface AssembleOptions {
  /** Labels set after the graph's own. */
  readonly labels: Readonly<Record<string, string>>;
  /** Annotations of the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Seconds since the Unix epoch that every new time is set to; undefined without SOURCE_DATE_EPOCH. */
  readonly sourceDateEpoch: number | undefined;
}

/** Bytes with their descriptor. */
export interface Document {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The documents of one platform's image. */
export interface ImageDocuments {
  readonly manifest: Document;
  readonly config: Document;
  readonly platform: Platform;
}

/**
 * What tells whether a build made this image before: 64 hex digits over everything in it but the time it was assembled.
 * Layers count with the time they were first built.
 */
export async function resultKey(solved: SolvedGraph, options: AssembleOptions): Promise<string> {
  const config = assembleConfig(solved, options, "");
  return digestHex(await sha256(canonicalJson({ version: 1, config, layers: layersOf(solved), ...options })));
}

/**
 * Config and manifest of one platform's image; `now` is an RFC 3339 time. Both are checked as if they came from outside. The image is
 * as old as the newest of its new layers, so that whoever has the same layers from the cache makes the same image.
 */
export async function assembleImage(
  solved: SolvedGraph,
  options: AssembleOptions,
  now: string,
): Promise<ImageDocuments> {
  const config = await documentOf(assembleConfig(solved, options, now), MediaType.config);
  readImageConfig(config.bytes);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config: config.descriptor,
    layers: layersOf(solved),
    ...(Object.keys(options.annotations).length === 0 ? {} : { annotations: options.annotations }),
  };
  const document = await documentOf(manifest, MediaType.manifest);
  readManifest(document.bytes, MediaType.manifest);
  return { manifest: document, config, platform: solved.graph.platform };
}

/** The index of several platforms' images, in the order given. */
export async function assembleIndex(
  manifests: readonly Descriptor[],
  annotations: Readonly<Record<string, string>>,
): Promise<Document> {
  const index: ImageIndex = {
    schemaVersion: 2,
    mediaType: MediaType.index,
    manifests,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
  const document = await documentOf(index, MediaType.index);
  readIndex(document.bytes, MediaType.index);
  return document;
}

/** RFC 3339 text of a time in seconds since the Unix epoch. */
export function epochTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

function assembleConfig(solved: SolvedGraph, options: AssembleOptions, now: string): ImageConfig {
  const { graph, chain, base } = solved;
  const fixed = options.sourceDateEpoch === undefined ? undefined : epochTime(options.sourceDateEpoch);
  const author = graph.author ?? base?.author;
  const version = graph.platform["os.version"] ?? base?.["os.version"];
  const features = graph.platform["os.features"] ?? base?.["os.features"];
  return {
    created: fixed ?? newestOf(newLayers(solved)) ?? now,
    ...(author === undefined ? {} : { author }),
    architecture: graph.platform.architecture,
    os: graph.platform.os,
    ...(graph.platform.variant === undefined ? {} : { variant: graph.platform.variant }),
    ...(version === undefined ? {} : { "os.version": version }),
    ...(features === undefined ? {} : { "os.features": features }),
    config: withLabels(graph.config, options.labels),
    rootfs: { type: "layers", diff_ids: chain.layers.map(({ diffId }) => diffId) },
    history: assembleHistory(solved, fixed, now),
  };
}

function withLabels(config: ExecConfig, labels: Readonly<Record<string, string>>): ExecConfig {
  return Object.keys(labels).length === 0 ? config : { ...config, Labels: { ...config.Labels, ...labels } };
}

/**
 * History of the base, then one entry for each instruction. A layer's entry has the time it was first built. The others have
 * that of the layer before them among the new ones; before the first new layer, that of the first one (BuildKit,
 * exporter/containerimage/writer.go); without new layers, the time of assembly.
 */
function assembleHistory(solved: SolvedGraph, fixed: string | undefined, now: string): readonly History[] {
  const { graph } = solved;
  const base = solved.base?.history ?? [];
  const times = newLayers(solved).map((layer) => fixed ?? layer.created ?? now);
  const wanted = graph.history.filter((step) => !step.emptyLayer).length;
  if (wanted !== times.length) throw unpaired(wanted, times.length);
  let next = 0;
  let time = times[0] ?? fixed ?? now;
  const added = graph.history.map((step): History => {
    if (!step.emptyLayer) time = times[next++] ?? time;
    return {
      created: time,
      created_by: step.createdBy,
      ...(step.comment === undefined ? {} : { comment: step.comment }),
      ...(step.emptyLayer ? { empty_layer: true } : {}),
    };
  });
  return [...base, ...added];
}

/** Layers that are not the base's. */
function newLayers({ chain, base }: SolvedGraph): readonly ChainLayer[] {
  return chain.layers.slice(base?.history.filter((entry) => entry.empty_layer !== true).length ?? 0);
}

/** Time of the layer that was built last; undefined without layers. */
function newestOf(layers: readonly ChainLayer[]): string | undefined {
  return layers.flatMap(({ created }) => created ?? []).sort().at(-1);
}

function unpaired(entries: number, layers: number): EngineError {
  return new EngineError(
    "PLUGIN_FAILED",
    `Cannot assemble image: its history has ${entries} entries with a layer, expected ${layers}`,
    { detail: { hook: "parse" } },
  );
}

const ociLayerTypes: Readonly<Record<string, string>> = {
  [MediaType.dockerLayer]: MediaType.layer,
  [MediaType.dockerLayerGzip]: MediaType.layerGzip,
  [MediaType.dockerForeignLayer]: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
};

/** Layers for an OCI manifest: a base image of docker's keeps its bytes, under OCI's name for the same format. */
function layersOf({ chain }: SolvedGraph): readonly Descriptor[] {
  return chain.layers.map(({ descriptor }) => {
    const mediaType = ociLayerTypes[essence(descriptor.mediaType)];
    return mediaType === undefined ? descriptor : { ...descriptor, mediaType };
  });
}

async function documentOf(value: unknown, mediaType: string): Promise<Document> {
  const bytes = new TextEncoder().encode(canonicalJson(value));
  return { descriptor: { mediaType, digest: await sha256(bytes), size: bytes.length }, bytes };
}
