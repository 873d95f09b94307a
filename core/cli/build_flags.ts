import { EngineError } from "../errors.ts";
import type { Annotation } from "../image/annotation.ts";
import type { BuildFileSource, BuildInput, BuildOutput, ContextSource, NamedContext } from "../image/build_input.ts";
import type { Flag, Input } from "./command.ts";
import { progressKinds } from "./progress_kind.ts";
import { hasRunFlags } from "./run_flags.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `strata build` that say what is built. */
export const buildFlags: readonly Flag[] = [
  { name: "tag", short: "t", type: "list", value: "NAME[:TAG]", help: "Name of the image; may be given several times" },
  {
    name: "file",
    short: "f",
    type: "string",
    value: "PATH",
    help: "Build file (default PATH/Dockerfile), - for standard input",
  },
  {
    name: "build-arg",
    type: "list",
    value: "NAME[=VALUE]",
    help: "Value of an ARG; without a value, that of the environment",
  },
  {
    name: "build-context",
    type: "list",
    value: "NAME=SOURCE",
    help: "Another context: folder, URL, git, docker-image://, oci-layout://",
  },
  { name: "target", type: "string", value: "STAGE", help: "Stage to build, by name or number" },
  { name: "platform", type: "list", value: "OS/ARCH", help: "Platforms to build; several give an index" },
  { name: "label", type: "list", value: "KEY=VALUE", help: "Label of the image" },
  { name: "annotation", type: "list", value: "[SCOPE:]KEY=VALUE", help: "OCI annotation of the manifest or index" },
  { name: "no-cache", type: "boolean", help: "Build every step anew" },
  { name: "no-cache-filter", type: "list", value: "STAGE", help: "Build the steps of these stages anew" },
  {
    name: "cache-from",
    type: "list",
    value: "SOURCE",
    help: "Cache to take steps from: NAME, type=registry,ref=NAME or type=local,src=PATH",
  },
  {
    name: "cache-to",
    type: "list",
    value: "DEST",
    help: "Where to keep the cache: type=registry,ref=NAME or type=local,dest=PATH; mode=max for all stages",
  },
  { name: "pull", type: "boolean", help: "Look for a newer base image" },
  {
    name: "output",
    short: "o",
    type: "list",
    value: "DEST",
    help: "type=image, registry, local, tar, oci or docker, with dest=PATH",
  },
  { name: "push", type: "boolean", help: "Push the image to the registries of its names" },
  { name: "jobs", short: "j", type: "string", value: "N", help: "Steps that run at once (default: number of cores)" },
];

/** Flags of `strata build` that say what is shown and written. */
export const showFlags: readonly Flag[] = [
  { name: "quiet", short: "q", type: "boolean", help: "Show only the image ID" },
  { name: "iidfile", type: "string", value: "PATH", help: "Write the image ID to a file" },
  { name: "metadata-file", type: "string", value: "PATH", help: "Write facts about the result to a file, as JSON" },
  {
    name: "progress",
    type: "string",
    value: "KIND",
    help: "auto, tty, plain, rawjson or quiet",
    choices: progressKinds,
  },
  { name: "check", type: "boolean", help: "Only check the build file" },
  {
    name: "print",
    type: "string",
    value: "WHAT",
    help: "Only print the graph, the outline, or the file as a Dockerfile",
    choices: ["graph", "outline", "dockerfile"],
  },
  {
    name: "format",
    type: "string",
    value: "FORMAT",
    help: "json for --check and --print=outline",
    choices: ["text", "json"],
  },
];

/** What a build is told, from its flags. `environment` gives a variable of this process. Throws `INVALID_ARGUMENT`. */
export async function readBuildInput(
  input: Input,
  terminal: Terminal,
  environment: (name: string) => string | undefined,
): Promise<BuildInput> {
  const target = input.text("target");
  const noCache = input.isOn("no-cache") || [...input.list("no-cache-filter")].flatMap((text) => text.split(","));
  const jobs = readJobs(input.text("jobs"));
  return {
    ...await readSources(input, terminal),
    tags: input.list("tag"),
    args: readArgs(input.list("build-arg"), environment),
    contexts: await readContexts(input.list("build-context")),
    ...(target === undefined ? {} : { target }),
    platforms: input.list("platform").length === 0 ? [] : (await import("./platform_flag.ts")).readPlatforms(input),
    labels: readLabels(input.list("label")),
    annotations: await readAnnotations(input.list("annotation")),
    noCache,
    pull: input.isOn("pull"),
    outputs: await readOutputs(input),
    ...await readCaches(input),
    ...(jobs === undefined ? {} : { jobs }),
    ...await readRun(input, terminal, environment),
  };
}

// Each of these loads its reader when there is something to read: most builds have few flags, and start faster without.

async function readContexts(list: readonly string[]): Promise<Record<string, NamedContext>> {
  if (list.length === 0) return {};
  const { parseNamedContext } = await import("../image/context_source.ts");
  return Object.fromEntries(list.map(parseNamedContext).map(({ name, context }) => [name, context]));
}

async function readAnnotations(list: readonly string[]): Promise<readonly Annotation[]> {
  if (list.length === 0) return [];
  const { parseAnnotation } = await import("../image/annotation.ts");
  return list.flatMap(parseAnnotation);
}

async function readCaches(input: Input): Promise<Pick<BuildInput, "cacheFrom" | "cacheTo">> {
  const from = input.list("cache-from");
  const to = input.list("cache-to");
  if (from.length + to.length === 0) return { cacheFrom: [], cacheTo: [] };
  const { parseCacheFrom, parseCacheTo } = await import("../image/cache_option.ts");
  return { cacheFrom: from.map(parseCacheFrom), cacheTo: to.map(parseCacheTo) };
}

async function parseOutputs(list: readonly string[]): Promise<readonly BuildOutput[]> {
  if (list.length === 0) return [];
  const { parseOutput } = await import("../image/output_option.ts");
  return list.map(parseOutput);
}

/** `--push` makes the image output a pushed one; without one it is the only output, as with docker. */
async function readOutputs(input: Input): Promise<readonly BuildOutput[]> {
  const outputs = await parseOutputs(input.list("output"));
  if (!input.isOn("push")) return outputs;
  if (outputs.length === 0) return [{ type: "registry", push: {} }];
  if (outputs.some(({ type }) => type === "image" || type === "registry")) {
    return outputs.map((output) => output.type === "image" ? { ...output, push: output.push ?? {} } : output);
  }
  throw new EngineError("INVALID_ARGUMENT", "Cannot use --push with outputs none of which is an image", {
    detail: { field: "push" },
    hint: "Add --output type=image",
  });
}

async function readRun(
  input: Input,
  terminal: Terminal,
  environment: (name: string) => string | undefined,
): Promise<Pick<BuildInput, "run" | "jobs">> {
  if (!hasRunFlags(input)) return {};
  const { readRunOptions } = await import("./run_options.ts");
  const run = await readRunOptions(input, terminal, environment);
  if (run.onFailure !== "shell") return { run };
  const jobs = input.text("jobs");
  // Two steps at once would write over the shell.
  if (jobs === undefined || jobs === "1") return { run, jobs: 1 };
  throw new EngineError("INVALID_ARGUMENT", `Cannot use --jobs "${jobs}" with --on-failure=shell: expected 1`, {
    detail: { field: "jobs", value: jobs },
  });
}

async function readSources(input: Input, terminal: Terminal): Promise<Pick<BuildInput, "context" | "file">> {
  const [context = ""] = input.words;
  const path = input.text("file");
  if (context === "-") {
    if (path === "-") throw conflict("-", "the context comes from standard input already");
    const { readStreamedContext } = await import("../image/streamed_context.ts");
    const streamed = await readStreamedContext(terminal.stdin);
    return path === undefined || streamed.file !== undefined
      ? streamed
      : { context: streamed.context, file: { type: "path", path } };
  }
  return { context: await readContext(context), file: await readFile(path, terminal) };
}

/** A folder that is there is told from a URL without the code that reads those. */
async function readContext(text: string): Promise<ContextSource> {
  if (isFolder(text)) return { type: "directory", path: text };
  return (await import("../image/context_source.ts")).parseContextSource(text);
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    // Absent, or not to be seen: what reads URLs decides.
    return false;
  }
}

async function readFile(path: string | undefined, terminal: Terminal): Promise<BuildFileSource> {
  if (path === undefined) return { type: "default" };
  return path === "-" ? { type: "text", text: await new Response(terminal.stdin).text() } : { type: "path", path };
}

function readArgs(list: readonly string[], environment: (name: string) => string | undefined): Record<string, string> {
  const args: Record<string, string> = {};
  for (const text of list) {
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    if (name === "") {
      throw new EngineError("INVALID_ARGUMENT", `Cannot read build argument "${text}": it has no name`, {
        detail: { field: "build-arg", value: text },
        hint: "Write it as --build-arg NAME=VALUE",
      });
    }
    const value = equals < 0 ? environment(name) : text.slice(equals + 1);
    if (value !== undefined) args[name] = value;
  }
  return args;
}

function readLabels(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(list.map((text) => {
    const equals = text.indexOf("=");
    if (equals === 0 || text === "") {
      throw new EngineError("INVALID_ARGUMENT", `Cannot read label "${text}": it has no key`, {
        detail: { field: "label", value: text },
        hint: "Write it as --label KEY=VALUE",
      });
    }
    return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
  }));
}

function readJobs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const jobs = Number(text);
  if (Number.isSafeInteger(jobs) && jobs >= 1) return jobs;
  throw new EngineError("INVALID_ARGUMENT", `Cannot run "${text}" steps at once: expected a whole number from 1`, {
    detail: { field: "jobs", value: text },
  });
}

function conflict(value: string, why: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot read build file "${value}": ${why}`, {
    detail: { field: "file", value },
    hint: "Give the context as a folder, or the build file as a path in the context",
  });
}
