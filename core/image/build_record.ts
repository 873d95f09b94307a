import type { EngineEvent } from "../contract/call.ts";
import type { Engine } from "../engine.ts";
import type { Json } from "../oci/canonical_json.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { digestHex, sha256 } from "../oci/digest.ts";
import { buildName, StoreAnnotation } from "../store/names.ts";
import type { BuildInput } from "./build_input.ts";
import type { BuildResult, BuiltImage } from "./build_result.ts";
import { strataVersion } from "./strata_version.ts";

/** Part of the key of records; another number forgets them all. */
const RECORD_VERSION = 2;

/** A text file that a build read, or found absent. */
export interface ReadFile {
  /** Absolute path on this host. */
  readonly path: string;
  /** Whether it is one of the context, where a symlink is not followed as the system does. */
  readonly isOfContext: boolean;
  /** Digest of its bytes; null when there was no such file. */
  readonly digest: Digest | null;
}

/** A question about the files of the context, with the answer as JSON text. */
export interface TreeAnswer {
  /** Ignore patterns of the tree that was asked. */
  readonly exclude: readonly string[];
  readonly method: TreeMethod;
  /** Path in the tree. */
  readonly path: string;
  /** Ignore patterns of the question itself. */
  readonly below: readonly string[];
  readonly answer: string;
}

/** What a context can be asked without reading files for a layer. */
export type TreeMethod = "digest" | "resolve" | "stat" | "lstat" | "list";

/** Everything that a build read, all of whose steps were in the cache, and what it gave. */
export interface BuildRecord {
  /** Absolute path of the context, and its mode. */
  readonly context: { readonly path: string; readonly mode: number };
  readonly files: readonly ReadFile[];
  /** Names of the store with the digest that each had; null for one that was not there. */
  readonly names: readonly (readonly [name: string, digest: Digest | null])[];
  /** Blobs that were there: layers of the steps and of the image, manifests and configs. */
  readonly blobs: readonly Descriptor[];
  readonly tree: readonly TreeAnswer[];
  /** Whether there are commands among the steps, which not everybody may run. */
  readonly runsCommands: boolean;
  /** Everything that was emitted, in order; the last one ends the export. */
  readonly events: readonly EngineEvent[];
  readonly result: BuildResult & { readonly image: BuiltImage };
}

/**
 * The name in the store that a record of a build with this input has: another one for every other input, config, plugin,
 * user, host, folder and strata. Undefined for a build that reads what cannot be looked at again cheaply, such as a
 * registry, or that gives more than an image in the store; of it there is no record.
 */
export async function recordName(engine: Engine, input: BuildInput): Promise<string | undefined> {
  if (engine.config.plugins.length > 0 || !isRecordable(input)) return undefined;
  const place = surroundings();
  if (place === undefined) return undefined;
  const { store, platform, sourceDateEpoch, proxy, aliases } = engine.config;
  const plugins = engine.host.plugins.map(({ identity }) => identity);
  const asked = [
    RECORD_VERSION,
    strataVersion,
    place,
    plugins,
    { store, platform, sourceDateEpoch, proxy, aliases },
    input,
  ];
  return buildName(digestHex(await sha256(JSON.stringify(asked))));
}

function isRecordable(input: BuildInput): boolean {
  const { context, noCache = false, outputs = [], cacheFrom = [], cacheTo = [], platforms = [], run = {} } = input;
  const { secrets = {}, agents = {}, onFailure = "fail" } = run;
  return context.type === "directory" && input.pull !== true &&
    (noCache === false || (noCache !== true && noCache.length === 0)) &&
    outputs.every((output) => output.type === "image" && output.push === undefined) &&
    cacheFrom.length + cacheTo.length === 0 && platforms.length < 2 && Object.keys(input.contexts ?? {}).length === 0 &&
    Object.keys(secrets).length + Object.keys(agents).length === 0 && onFailure === "fail";
}

/** What a build depends on that nobody says: machine, user, folder and program. Undefined where it may not be known. */
function surroundings(): Json | undefined {
  try {
    const user = Deno.build.os === "windows" ? null : Deno.uid();
    return [Deno.build.target, user, Deno.cwd(), programState()];
  } catch {
    return undefined;
  }
}

/** Folders whose code decides what a build gives. */
const codeFolders = ["../../plugins/parse_dockerfile/", "../build/", "../oci/", "./"];

/** Tells a strata of one version from a later one of the same: a release has a version of its own, a checkout has not. */
function programState(): Json {
  if (Deno.build.standalone) return stateOf(Deno.execPath());
  const folders = codeFolders.map((folder) => new URL(folder, import.meta.url));
  return folders.map((url) => url.protocol === "file:" ? stateOf(url) : url.href);
}

function stateOf(path: string | URL): Json {
  const { size, mtime, ino } = Deno.statSync(path);
  return [String(path), size, mtime?.getTime() ?? null, String(ino)];
}

/** The descriptor that keeps a record under its name: that of the image, so the record goes where the image goes. */
export async function writeRecord(record: BuildRecord): Promise<Descriptor> {
  const { mediaType, digest, size } = record.result.image.descriptor;
  const text = JSON.stringify(record);
  return {
    mediaType,
    digest,
    size,
    annotations: { [StoreAnnotation.buildRecord]: text, [StoreAnnotation.buildRecordDigest]: await sha256(text) },
  };
}

/** The record in a descriptor that {@linkcode writeRecord} gave; undefined when it is not whole. */
export async function readRecord({ annotations = {} }: Descriptor): Promise<BuildRecord | undefined> {
  const text = annotations[StoreAnnotation.buildRecord];
  if (text === undefined || await sha256(text) !== annotations[StoreAnnotation.buildRecordDigest]) return undefined;
  const record: BuildRecord = JSON.parse(text);
  return record;
}

/** Bytes of a file as a build reads it; null when there is none, undefined when it is nothing that a record can tell of. */
export function readAgain({ path, isOfContext }: Omit<ReadFile, "digest">): Uint8Array<ArrayBuffer> | null | undefined {
  try {
    const { isFile, size } = isOfContext ? Deno.lstatSync(path) : Deno.statSync(path);
    return isFile && size <= MAX_FILE_BYTES ? Deno.readFileSync(path) : undefined;
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? null : undefined;
  }
}

/** Larger than any text file that a build reads. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** Mode of a folder; undefined when there is none. */
export function folderMode(path: string): number | undefined {
  try {
    const { isDirectory, mode } = Deno.statSync(path);
    return isDirectory ? mode ?? 0 : undefined;
  } catch {
    return undefined;
  }
}
