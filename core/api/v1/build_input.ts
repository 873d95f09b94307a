import type { ByteStream } from "../../contract/call.ts";
import { EngineError } from "../../errors.ts";
import { parseAnnotation } from "../../image/annotation.ts";
import type { BuildInput, BuildOutput, ContextSource, NamedContext } from "../../image/build_input.ts";
import { parseContextSource } from "../../image/context_source.ts";
import { parseBytes, parseCpus, parseHostEntry, parseNameServer, parseUlimit } from "../../image/run_option.ts";
import { parsePlatform } from "../../oci/platform.ts";
import { resolveContextRoot } from "./context_root.ts";
import type { BuildOptions, NamedPlace } from "./schema/build.ts";

/** What a build is given as its context: a place to get it from, or the tar that was sent. */
export type BuildPlace = NamedPlace | { readonly type: "tar"; readonly stream: ByteStream } | typeof noContext;

/** No files at all. */
export const noContext = { type: "none" } as const;

/**
 * What to build, with what it says checked and paths resolved. Rejects `INVALID_ARGUMENT` for what has no meaning, and as
 * {@linkcode resolveContextRoot} does.
 */
export async function readBuildInput(
  place: BuildPlace,
  options: BuildOptions,
  roots: readonly string[],
): Promise<BuildInput> {
  const { file, dockerfile, target, jobs, noCache, compression, compressionLevel } = options;
  if (file !== undefined && dockerfile !== undefined) throw contradiction("file", "dockerfile is given too");
  const choice = {
    ...(compression === undefined ? {} : { compression }),
    ...(compressionLevel === undefined ? {} : { compressionLevel }),
  };
  const contexts = await Promise.all(
    Object.entries(options.contexts).map(async ([name, each]) =>
      [name.toLowerCase(), await readNamed(each, roots)] as const
    ),
  );
  return {
    context: await readPlace(place, options, roots),
    ...(file === undefined ? {} : { file: { type: "context", path: file } as const }),
    ...(dockerfile === undefined ? {} : { file: { type: "text", text: dockerfile } as const }),
    tags: options.tags,
    args: options.args,
    contexts: Object.fromEntries(contexts),
    ...(target === undefined ? {} : { target }),
    platforms: options.platforms.map(parsePlatform),
    labels: options.labels,
    annotations: options.annotations.flatMap(parseAnnotation),
    noCache,
    pull: options.pull,
    outputs: [readOutput(options, choice)],
    cacheFrom: options.cacheFrom.map((ref) => ({ type: "registry", ref })),
    cacheTo: options.cacheTo.map((cache) => ({ type: "registry", ...cache })),
    ...(jobs === undefined ? {} : { jobs }),
    run: readRun(options),
  };
}

async function readPlace(
  place: BuildPlace,
  { dockerfile }: BuildOptions,
  roots: readonly string[],
): Promise<ContextSource> {
  if (place.type === "tar") return place;
  if (place.type !== "none") return asSource(await readNamed(place, roots));
  if (dockerfile === undefined) throw contradiction("context", "there is none, and no dockerfile");
  // The end of a tar, with nothing before it.
  return { type: "tar", stream: new Blob([new Uint8Array(1024)]).stream() };
}

async function readNamed(place: NamedPlace, roots: readonly string[]): Promise<NamedContext> {
  if (place.type === "path") return { type: "directory", path: await resolveContextRoot(roots, place.path) };
  if (place.type === "image" || place.type === "url") return place;
  // Options in the URL mean what they mean on the command line; a path of this host is none of a repository.
  const source = parseContextSource(/^(?:git|ssh|https?):\/\/|^git@|^github\.com\//.test(place.url) ? place.url : "");
  if (source.type === "git") return source;
  if (source.type === "url") return { type: "git", url: source.url };
  throw new EngineError(
    "INVALID_ARGUMENT",
    `Cannot build "${place.url.slice(0, 200)}": it is no URL of a git repository`,
    {
      detail: { field: "context.url", value: place.url.slice(0, 200) },
      hint: "Write it as https://host/repository.git#ref:folder",
    },
  );
}

function asSource(context: NamedContext): ContextSource {
  if (context.type === "directory" || context.type === "git" || context.type === "url") return context;
  throw contradiction("context", `a ${context.type} is no context of files`);
}

function readOutput(
  { output, push }: BuildOptions,
  choice: NonNullable<Extract<BuildOutput, { readonly type: "image" }>["push"]>,
): BuildOutput {
  if (output === "registry") return { type: "registry", push: choice };
  if (output === "image") return push ? { type: "image", push: choice } : { type: "image" };
  if (push) throw contradiction("push", "what goes to the cache alone cannot be pushed");
  return { type: "cacheonly" };
}

function readRun(options: BuildOptions): NonNullable<BuildInput["run"]> {
  const { network, hosts, dns, ulimits, shmSize, memory, cpus, secrets } = options;
  const values = Object.entries(secrets).map(([id, value]) => [id, { type: "value", value } as const] as const);
  return {
    ...(network === undefined ? {} : { network }),
    ...(hosts.length === 0 ? {} : { hosts: hosts.map(parseHostEntry) }),
    ...(dns.length === 0 ? {} : { dns: dns.map(parseNameServer) }),
    ...(ulimits.length === 0 ? {} : { ulimits: ulimits.map(parseUlimit) }),
    ...(shmSize === undefined ? {} : { shmBytes: parseBytes("shmSize", shmSize, { bytes: 1, text: "1 byte" }) }),
    ...(memory === undefined ? {} : { memoryBytes: parseBytes("memory", memory, { bytes: 6 << 20, text: "6m" }) }),
    ...(cpus === undefined ? {} : { cpus: parseCpus(String(cpus)) }),
    ...(values.length === 0 ? {} : { secrets: Object.fromEntries(values) }),
  };
}

function contradiction(field: string, state: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot build with "${field}": ${state}`, { detail: { field } });
}
