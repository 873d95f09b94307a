import type { ByteStream, Call } from "../contract/call.ts";
import type { Engine } from "../engine.ts";
import { storeIndex } from "../build/layer_files.ts";
import type { Store } from "../contract/store.ts";
import { EngineError } from "../errors.ts";
import { withFormats } from "../host/derived_file.ts";
import { indexLayer } from "../layer/index.ts";
import { canonicalJson } from "../oci/canonical_json.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import type { ExecConfig, ImageConfig } from "../oci/image_config.ts";
import { MediaType } from "../oci/media_type.ts";
import { hostPlatform, usualPlatform } from "../oci/platform.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { decompress } from "../stream/compression.ts";
import { aliasOf } from "./alias.ts";
import { ofArchive, standardInput } from "./archive_error.ts";
import { nameLoaded } from "./name_loaded.ts";
import { readTarget } from "./tag.ts";

/**
 * What `import` is told.
 *
 * @example With a command
 * ```ts
 * import type { ImportInput } from "@strata/strata";
 *
 * const input: ImportInput = {
 *   content: new Blob([new Uint8Array(1024)]).stream(),
 *   reference: "base:1",
 *   changes: ['CMD ["/bin/sh"]'],
 * };
 * console.log(input);
 * ```
 */
export interface ImportInput {
  /** A tar of a root file system, plain or compressed. */
  readonly content: ByteStream;
  /** What messages call it; `standard input` when left out. */
  readonly label?: string;
  /** Name of the image; dangling when left out. */
  readonly reference?: string;
  /** Instructions applied to the config, e.g. `CMD ["sh"]`. */
  readonly changes?: readonly string[];
  /** Message of the history entry; `Imported from -` when left out. */
  readonly message?: string;
  /** Platform; that of the config, else the host's, when left out. */
  readonly platform?: Platform;
}

/**
 * What `import` made.
 *
 * @example What the image is called
 * ```ts
 * import type { ImportResult } from "@strata/strata";
 *
 * const title = ({ name, alias }: ImportResult): string => name ?? alias;
 * ```
 */
export interface ImportResult {
  /** Image ID. */
  readonly id: Digest;
  /** Two-word name. */
  readonly alias: string;
  /** Familiar name, when one was given. */
  readonly name: string | undefined;
  /** ID of the image that had the name before, when it was another one. */
  readonly replaced: Digest | undefined;
}

/**
 * What importing needs of an engine.
 *
 * @example Import with an engine
 * ```ts
 * import { createCall, type ImportEngine, importImage, type ImportInput } from "@strata/strata";
 *
 * const run = async (engine: ImportEngine, input: ImportInput): Promise<string> =>
 *   (await importImage(engine, input, createCall())).id;
 * ```
 */
export type ImportEngine = Pick<Engine, "store" | "host" | "clock" | "config">;

/**
 * Makes an image of one layer from a tar; a compressed one is stored plain. Changes are read by the Dockerfile parser, so they mean
 * what they mean in a build file. Rejects `INVALID_ARGUMENT` for what is no tar or no allowed change, `PARSE_FAILED` for a wrong one.
 *
 * @example Make an image of a tar
 * ```ts
 * import { builtins, createCall, createEngine, importImage } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * const { id } = await importImage(engine, { content, reference: "app", changes: ["ENV A=b"] }, createCall());
 * console.log(id);
 * ```
 */
export async function importImage(engine: ImportEngine, input: ImportInput, call: Call): Promise<ImportResult> {
  const { store } = engine;
  const reference = input.reference === undefined ? undefined : readTarget(input.reference);
  const platform = input.platform ?? usualPlatform(engine.config.platform);
  const exec = await applyChanges(engine, { changes: input.changes ?? [], platform }, call);
  await using lease = await store.lease(call);
  void lease;
  const layer = await storeLayer(store, input.content, call).catch((cause) => {
    throw ofArchive(cause, "import", input.label ?? standardInput);
  });
  const epoch = engine.config.sourceDateEpoch;
  const created = (epoch === undefined ? engine.clock() : new Date(epoch * 1000)).toISOString();
  const config: ImageConfig = {
    created,
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    config: exec,
    rootfs: { type: "layers", diff_ids: [layer.digest] },
    history: [{ created, comment: input.message ?? "Imported from -" }],
  };
  const configDescriptor = await storeJson(store, { mediaType: MediaType.config, value: config }, call);
  const manifest = { schemaVersion: 2, mediaType: MediaType.manifest, config: configDescriptor, layers: [layer] };
  const descriptor = await storeJson(store, { mediaType: MediaType.manifest, value: manifest }, call);
  const references = reference === undefined ? [] : [reference];
  const [loaded] = await nameLoaded(engine, [{ descriptor, references }], { diffIds: new Map() }, call);
  return {
    id: configDescriptor.digest,
    alias: aliasOf(configDescriptor.digest),
    name: loaded?.names[0],
    replaced: loaded?.replaced[0]?.id,
  };
}

async function storeLayer(store: Store, content: ByteStream, call: Call): Promise<Descriptor> {
  const { stream } = await decompress(content);
  const layer = await store.ingest(stream, MediaType.layer, call);
  if (layer.size === 0) {
    throw new EngineError("INVALID_ARGUMENT", "Cannot read tar archive: it is empty");
  }
  const { diffId, index } = await indexLayer(await store.open(layer, call), layer, call);
  await store.update([await storeIndex(store, diffId, index, call)], call);
  return layer;
}

async function storeJson(
  store: Store,
  document: { readonly mediaType: string; readonly value: unknown },
  call: Call,
): Promise<Descriptor> {
  const bytes = new TextEncoder().encode(canonicalJson(document.value));
  const descriptor = { mediaType: document.mediaType, digest: await sha256(bytes), size: bytes.length };
  await store.put(descriptor, () => Promise.resolve(streamOf(bytes)), call);
  return descriptor;
}

/** Instructions that `import` takes, as docker does. */
const allowed = [
  "CMD",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "HEALTHCHECK",
  "LABEL",
  "ONBUILD",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
];

async function applyChanges(
  engine: ImportEngine,
  { changes, platform }: { readonly changes: readonly string[]; readonly platform: Platform },
  call: Call,
): Promise<ExecConfig> {
  if (changes.length === 0) return {};
  for (const change of changes) checkChange(change);
  const file = { path: "Dockerfile", text: ["FROM scratch", ...changes].join("\n") };
  const parser = await engine.host.parser(file);
  const context = withFormats({
    ...call,
    platform,
    buildPlatform: hostPlatform(),
    args: {},
    contexts: [],
    noCache: false,
    base: (reference) => Promise.reject(refused(reference)),
    contextFile: () => Promise.resolve(undefined),
    siblingFile: () => Promise.resolve(undefined),
    contextNames: () => Promise.resolve([]),
  }, engine.host.format);
  return (await parser.parse(file, context)).config;
}

function checkChange(change: string): void {
  const lines = change.replace(/\\[ \t]*\n/g, " ").split("\n").filter((line) => line.trim() !== "");
  for (const line of lines) {
    const word = /^\s*(\S+)/.exec(line)?.[1]?.toUpperCase() ?? "";
    if (!allowed.includes(word)) throw refused(line.trim());
  }
  if (lines.length === 0) throw refused(change);
}

function refused(change: string): EngineError {
  const value = change.slice(0, 160);
  return new EngineError("INVALID_ARGUMENT", `Cannot apply change "${value}": expected one of ${allowed.join(", ")}`, {
    detail: { field: "change", value, known: [...allowed] },
  });
}
