import type { BaseImage, EngineEvent, ExecConfig, ParseContext, ParseHook, Platform } from "../contract/mod.ts";
import { EngineError } from "../errors.ts";
import { withFormats } from "../host/derived_file.ts";
import { sha256 } from "../oci/digest.ts";

/**
 * What a build would be given; everything is optional.
 *
 * @example A build argument and a file of the context
 * ```ts
 * import type { ParseInput } from "@strata/strata/conformance";
 *
 * const input: ParseInput = { args: { VERSION: "1" }, files: { "VERSION": "1\n" } };
 * console.log(input.args);
 * ```
 */
export interface ParseInput {
  /** Platform being built; linux/amd64 when left out. */
  readonly platform?: Platform;
  /** Platform of the machine that builds. */
  readonly buildPlatform?: Platform;
  /** Stage to stop at. */
  readonly target?: string;
  /** Build arguments. */
  readonly args?: Readonly<Record<string, string>>;
  /** Names of further contexts. */
  readonly contexts?: readonly string[];
  /** Stages that are not taken from the cache. */
  readonly noCache?: boolean | readonly string[];
  /** Base images by reference; any other is not found. */
  readonly images?: Readonly<Record<string, { readonly config?: ExecConfig; readonly platform?: Platform }>>;
  /** Files of the build context. */
  readonly files?: Readonly<Record<string, string>>;
  /** Files beside the build file. */
  readonly siblings?: Readonly<Record<string, string>>;
  /** Finds the parsers of other formats; there are none when left out. */
  readonly formats?: (format: string) => Promise<ParseHook>;
}

/**
 * A parse context over plain data, and what was asked of it.
 *
 * @example What a parser has asked for
 * ```ts
 * import { parseContext, type RecordedContext } from "@strata/strata/conformance";
 *
 * const context: RecordedContext = parseContext({ files: { "VERSION": "1\n" } });
 * await context.contextFile("VERSION");
 * console.log(context.read);
 * ```
 */
export interface RecordedContext extends ParseContext {
  /** What was emitted, in order. */
  readonly events: readonly EngineEvent[];
  /** Base images asked for, in order. */
  readonly asked: readonly string[];
  /** Files asked for, in order. */
  readonly read: readonly string[];
}

/**
 * Makes a parse context that knows what `input` says and nothing else.
 *
 * @example A context with one image
 * ```ts
 * import { parseContext } from "@strata/strata/conformance";
 *
 * const context = parseContext({ images: { base: { config: { User: "1000" } } } });
 * console.log((await context.base("base", context.platform)).config.User);
 * ```
 */
export function parseContext(
  input: ParseInput = {},
  signal: AbortSignal = new AbortController().signal,
): RecordedContext {
  const platform = input.platform ?? { os: "linux", architecture: "amd64" };
  const events: EngineEvent[] = [];
  const asked: string[] = [];
  const read: string[] = [];
  const fileOf = (files: Readonly<Record<string, string>> | undefined, path: string): Promise<string | undefined> => {
    read.push(path);
    return Promise.resolve(files !== undefined && Object.hasOwn(files, path) ? files[path] : undefined);
  };
  const own = {
    signal,
    emit: (event: EngineEvent) => void events.push(event),
    platform,
    buildPlatform: input.buildPlatform ?? { os: "linux", architecture: "amd64" },
    ...(input.target === undefined ? {} : { target: input.target }),
    args: input.args ?? {},
    contexts: input.contexts ?? [],
    noCache: input.noCache ?? false,
    async base(reference: string, wanted: Platform): Promise<BaseImage> {
      asked.push(reference);
      const image = input.images?.[reference];
      if (image === undefined) {
        throw new EngineError("NOT_FOUND", `Cannot find image "${reference}": no such image`, {
          detail: { kind: "image", name: reference },
        });
      }
      const digest = await sha256(reference);
      const descriptor = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 100 };
      return { descriptor, platform: image.platform ?? wanted, config: image.config ?? {} };
    },
    contextFile: (path: string) => fileOf(input.files, path),
    siblingFile: (name: string) => fileOf(input.siblings, name),
    contextNames: (path: string) => Promise.try(() => namesIn(input.files ?? {}, path)),
  };
  return { ...withFormats(own, input.formats ?? noFormat), events, asked, read };
}

/** Names in a folder of files by path. */
function namesIn(files: Readonly<Record<string, string>>, path: string): readonly string[] {
  const start = path === "." || path === "" ? "" : `${path}/`;
  const below = Object.keys(files).filter((name) => name.startsWith(start)).map((name) => name.slice(start.length));
  if (below.length > 0 || start === "") return [...new Set(below.map((name) => name.split("/")[0] ?? ""))].sort();
  throw new EngineError("NOT_FOUND", `Cannot find "${path}" in the build context`, {
    detail: { kind: "file", name: path },
  });
}

function noFormat(format: string): Promise<never> {
  const message = `Cannot use build file format "${format}": this context has no other formats`;
  return Promise.reject(
    new EngineError("UNSUPPORTED", message, { detail: { what: "build file format", value: format, known: [] } }),
  );
}
