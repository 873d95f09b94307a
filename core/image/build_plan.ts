import type { Call, EngineEvent } from "../contract/call.ts";
import type { BuildGraph, BuildOutline, ParseContext, ParseHook, SourceFile } from "../contract/parse.ts";
import type { Engine } from "../engine.ts";
import { EngineError } from "../errors.ts";
import { withFormats } from "../host/derived_file.ts";
import type { Platform } from "../oci/descriptor.ts";
import { formatPlatform, hostPlatform, normalizePlatform, usualPlatform } from "../oci/platform.ts";
import { compileIgnore, readIgnoreFile } from "../path/match.ts";
import { type ContextReader, readBuildFile, readHostFile } from "./build_file.ts";
import type { BuildInput } from "./build_input.ts";
import type { BuildEngine, BuildReads } from "./build_reads.ts";
import { type BuildSources, openBuildSources } from "./build_sources.ts";
import { openRemoteLayers, type RemoteLayers } from "./remote_layers.ts";

/**
 * A warning of a build file.
 *
 * @example Texts of warnings
 * ```ts
 * import type { BuildWarning } from "@strata/strata";
 *
 * const warnings: readonly BuildWarning[] = [{ type: "warning", code: "TAG_MOVED", message: "the tag moved" }];
 * console.log(warnings.map(({ message }) => message));
 * ```
 */
export type BuildWarning = Extract<EngineEvent, { type: "warning" }>;

/** A build file that was found, and who reads it. */
export interface BuildPlan extends AsyncDisposable {
  readonly file: SourceFile;
  /** Format that it is read in. */
  readonly format: string;
  /** Platforms to build, normalized, each once. */
  readonly platforms: readonly Platform[];
  readonly sources: BuildSources;
  /** Base images in registries. */
  readonly remote: RemoteLayers;
  /** Seconds since the Unix epoch; undefined without SOURCE_DATE_EPOCH. */
  readonly sourceDateEpoch: number | undefined;
  /** Warnings that reading the file gave so far, each once. */
  readonly warnings: readonly BuildWarning[];
  /** The graph of each platform, in order. Rejects `PARSE_FAILED` and what resolving base images rejects with. */
  graphs(call: Call): Promise<readonly BuildGraph[]>;
  /** What the file offers and what is doubtful in it. Rejects `PARSE_FAILED`. */
  outline(call: Call): Promise<BuildOutline>;
}

/**
 * Finds the build file and its parser. Holds a lease of the store until disposed, so that nothing found or written
 * meanwhile goes away. Rejects `NOT_FOUND` without a build file, `INVALID_ARGUMENT` for bad input.
 */
export async function openBuildPlan(engine: BuildEngine, input: BuildInput, call: Call): Promise<BuildPlan> {
  const sourceDateEpoch = readEpoch(engine, input);
  const platforms = readPlatforms(engine, input.platforms ?? []);
  await using stack = new AsyncDisposableStack();
  stack.use(await engine.store.lease(call));
  const remote = stack.use(openRemoteLayers(engine));
  const sources = stack.use(openBuildSources({ ...engine, store: remote.store }, remote, input));
  const isLocal = input.context.type === "directory";
  const { reads } = engine;
  const contextReader = (inner: Call): ContextReader =>
    noted((path) => sources.readContextFile(path, inner), "context", reads);
  const { file, sibling } = await readBuildFile(input.file ?? { type: "default" }, {
    read: contextReader(call),
    readHost: noted(readHostFile, "host", reads),
    isLocal,
  });
  const parser: ParseHook = await engine.host.parser(file);
  const warnings = new Map<string, BuildWarning>();
  const contextFor = (platform: Platform, inner: Call): ParseContext =>
    withFormats({
      signal: inner.signal,
      emit: (event) => {
        if (event.type !== "warning") return inner.emit(event);
        const key = JSON.stringify([event.code, event.message, event.at?.line]);
        if (warnings.has(key)) return;
        warnings.set(key, event);
        inner.emit(event);
      },
      platform,
      buildPlatform: hostPlatform(),
      ...(input.target === undefined || input.target === "" ? {} : { target: input.target }),
      args: withEpoch(input.args ?? {}, sourceDateEpoch),
      contexts: Object.keys(input.contexts ?? {}),
      noCache: typeof input.noCache === "object"
        ? input.noCache.map((name) => name.toLowerCase())
        : input.noCache ?? false,
      base: (reference, wanted) => sources.base({ reference, platform: wanted }, inner),
      contextFile: input.context.type === "tar" && input.context.isFiltered === true
        ? ofFiltered(file.path, contextReader(inner))
        : unlessIgnoreFile(isLocal, contextReader(inner)),
      siblingFile: unlessIgnoreFile(isLocal, sibling),
      contextNames: (path) => sources.readContextNames(path, inner),
    }, engine.host.format);
  const resources = stack.move();
  return {
    file,
    format: parser.format,
    platforms,
    sources,
    remote,
    sourceDateEpoch,
    get warnings(): readonly BuildWarning[] {
      return [...warnings.values()];
    },
    graphs: (inner) => Promise.all(platforms.map((platform) => parser.parse(file, contextFor(platform, inner)))),
    outline: (inner) => parser.outline(file, contextFor(platforms[0] ?? hostPlatform(), inner)),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** A reader of which somebody is told what it gave. */
function noted(read: ContextReader, place: "context" | "host", reads: BuildReads | undefined): ContextReader {
  if (reads === undefined) return read;
  return async (path) => {
    const text = await read(path);
    reads.file(place, path, text);
    return text;
  };
}

/** A reader that finds ignore files in a folder of this host only: an archive, a download and a repository are taken whole, as BuildKit does. */
function unlessIgnoreFile(isLocal: boolean, read: ContextReader): ContextReader {
  return (path) => isLocal || !path.endsWith(".dockerignore") ? read(path) : Promise.resolve(undefined);
}

/** A reader of a context that was filtered: what its ignore file says of the build file and of itself is left. */
function ofFiltered(buildFile: string, read: ContextReader): ContextReader {
  return async (path) => {
    const text = await read(path);
    if (text === undefined || path !== ".dockerignore") return text;
    const matcher = compileIgnore(readIgnoreFile(text));
    const ignored = [buildFile, ".dockerignore"].filter((each) => matcher.isExcluded(each));
    return ignored.map((each) => each.replace(/[*?[\]\\!]/g, "\\$&")).join("\n");
  };
}

function readPlatforms(engine: Engine, wanted: readonly Platform[]): readonly Platform[] {
  const platforms = wanted.length === 0 ? [usualPlatform(engine.config.platform)] : wanted.map(normalizePlatform);
  return [...new Map(platforms.map((platform) => [formatPlatform(platform), platform])).values()];
}

const epochName = "SOURCE_DATE_EPOCH";

/** The build argument wins over the environment, as with any other default. */
function readEpoch(engine: Engine, input: BuildInput): number | undefined {
  const text = input.args?.[epochName];
  if (text === undefined || text === "") return engine.config.sourceDateEpoch;
  const seconds = Number(text);
  if (/^\d{1,12}$/.test(text)) return seconds;
  throw new EngineError(
    "INVALID_ARGUMENT",
    `Cannot read build argument "${epochName}=${text.slice(0, 40)}": expected seconds since 1970`,
    {
      detail: { field: epochName, value: text.slice(0, 40) },
    },
  );
}

function withEpoch(
  args: Readonly<Record<string, string>>,
  epoch: number | undefined,
): Readonly<Record<string, string>> {
  return epoch === undefined ? args : { [epochName]: String(epoch), ...args };
}
