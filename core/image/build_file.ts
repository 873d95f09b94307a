import type { SourceFile } from "../contract/parse.ts";
import { EngineError } from "../errors.ts";
import { concatBytes } from "../stream/collect.ts";
import type { BuildFileSource } from "./build_input.ts";
import { maxBuildFileBytes } from "./streamed_context.ts";

/** A build file and what lies beside it. */
export interface BuildFile {
  readonly file: SourceFile;
  /** A text file in the build file's folder; undefined when absent or when the build file has no folder. */
  sibling(name: string): Promise<string | undefined>;
}

/** Reads a text file of the build context; undefined when absent. */
export type ContextReader = (path: string) => Promise<string | undefined>;

/**
 * Reads the build file. By default it is `Dockerfile`, else `dockerfile`, at the root of the context; a path is one of this
 * host when the context is a folder of it (`isLocal`), read by `readHost`, else one in the context, as one of type `context` always is.
 * Rejects `NOT_FOUND`.
 */
export async function readBuildFile(
  source: BuildFileSource,
  context: { readonly read: ContextReader; readonly readHost: ContextReader; readonly isLocal: boolean },
): Promise<BuildFile> {
  if (source.type === "text") {
    return { file: { path: "-", text: source.text }, sibling: () => Promise.resolve(undefined) };
  }
  if (source.type === "default") return await readDefault(context.read);
  const read = context.isLocal && source.type === "path" ? context.readHost : context.read;
  const text = await read(source.path);
  if (text === undefined) throw absent(source.path, "Name another file with -f");
  return { file: { path: source.path, text }, sibling: (name) => read(beside(source.path, name)) };
}

async function readDefault(read: ContextReader): Promise<BuildFile> {
  for (const path of ["Dockerfile", "dockerfile"]) {
    const text = await read(path);
    if (text !== undefined) return { file: { path, text }, sibling: read };
  }
  throw absent("Dockerfile", "Name the build file with -f, or build another folder");
}

function beside(path: string, name: string): string {
  const end = Math.max(path.lastIndexOf("/"), Deno.build.os === "windows" ? path.lastIndexOf("\\") : -1);
  return path.slice(0, end + 1) + name;
}

/** Reads a text file of this host; undefined when absent. Rejects `INVALID_ARGUMENT` for what is none or may not be read. */
export async function readHostFile(path: string): Promise<string | undefined> {
  try {
    if ((await Deno.stat(path)).isDirectory) throw unreadable(path, "it is a folder");
    return new TextDecoder("utf-8", { fatal: true }).decode(await readBounded(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    if (error instanceof TypeError) throw unreadable(path, "it is not UTF-8 text", error);
    if (error instanceof Deno.errors.PermissionDenied) throw unreadable(path, "permission denied", error);
    throw error;
  }
}

/** Reads a file, or what a pipe gives, as with `-f <(…)`. */
async function readBounded(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of (await Deno.open(path)).readable) {
    size += chunk.length;
    if (size > maxBuildFileBytes) throw unreadable(path, `it is larger than ${maxBuildFileBytes} bytes`);
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}

function unreadable(path: string, state: string, cause?: unknown): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot read build file "${path}": ${state}`, {
    cause,
    detail: { field: "file", value: path },
    hint: "Name another file with -f",
  });
}

function absent(path: string, hint: string): EngineError {
  return new EngineError("NOT_FOUND", `Cannot read build file "${path}": not found`, {
    detail: { kind: "file", name: path },
    hint,
  });
}
