import type { SolvedGraph } from "../build/solve.ts";
import { writeTree } from "../build/write_tree.ts";
import type { ByteStream, Call } from "../contract/call.ts";
import type { LayerEntry, Tree } from "../contract/layer.ts";
import type { Engine } from "../engine.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";
import { formatPlatform } from "../oci/platform.ts";
import { writeTar } from "../tar/write.ts";
import type { BuildOutput } from "./build_input.ts";
import { copyGraph } from "./copy_graph.ts";
import { fail, temporaryBeside, writeAll, writeOutputFile } from "./output_file.ts";

/** An output of files: what a container would see. */
export type FilesOutput = Extract<BuildOutput, { type: "local" | "tar" }>;
/** An output that holds the image itself. */
export type ArchiveOutput = Extract<BuildOutput, { type: "oci" | "docker" }>;

/** Writes the files of solved graphs to a folder, where they belong to the caller as with buildx, or to a tar. */
export async function writeFiles(
  output: FilesOutput,
  graphs: readonly SolvedGraph[],
  call: Call,
): Promise<void> {
  const isSplit = output.platformSplit ?? graphs.length > 1;
  const parts = graphs.map(({ graph, tree }) => ({ tree, folder: isSplit ? folderOf(graph.platform) : "" }));
  if (output.type === "tar") {
    const entries = joined(parts.map(({ tree, folder }) => below(folder, tree.walk(".", {}, call))));
    return await writeTo(output.dest, writeTar(entries, call), call);
  }
  await writeFolder(output.dest, parts, call);
}

/** Writes an image of the store as an archive, under full names or under none. */
export async function writeArchive(
  engine: Engine,
  work: { readonly output: ArchiveOutput; readonly descriptor: Descriptor; readonly names: readonly string[] },
  call: Call,
): Promise<void> {
  const { output, descriptor, names } = work;
  const scheme = output.type === "docker" ? "docker-archive" : output.tar === false ? "oci" : "oci-archive";
  const hook = await engine.host.transport(scheme);
  await using sink = await hook.sink(output.dest, call);
  await copyGraph({ from: engine.store, to: sink, root: descriptor, platforms: [] }, call);
  for (const name of names.length === 0 ? [`@${descriptor.digest}`] : names) await sink.tag(descriptor, name, call);
  await sink.commit(call);
}

function folderOf(platform: Platform): string {
  return formatPlatform(platform).replaceAll("/", "_");
}

async function* joined(parts: readonly AsyncIterable<LayerEntry>[]): AsyncGenerator<LayerEntry> {
  for (const part of parts) yield* part;
}

async function* below(folder: string, entries: AsyncIterable<LayerEntry>): AsyncGenerator<LayerEntry> {
  if (folder === "") return yield* entries;
  yield { type: "directory", path: folder, mode: 0o755, uid: 0, gid: 0, mtime: 0 };
  for await (const entry of entries) {
    const path = `${folder}/${entry.path}`;
    yield entry.type === "hardlink" ? { ...entry, path, target: `${folder}/${entry.target}` } : { ...entry, path };
  }
}

/** Writes a stream to standard output or to a file, which takes its name when it is whole. */
async function writeTo(dest: string, stream: ByteStream, call: Call): Promise<void> {
  if (dest === "-") return await writeAll(stream, Deno.stdout, { path: dest }, call);
  await writeOutputFile(dest, stream, call);
}

/** Writes trees into a folder. A new one takes its name when all is there; one that exists is written into. */
async function writeFolder(
  dest: string,
  parts: readonly { readonly tree: Tree; readonly folder: string }[],
  call: Call,
): Promise<void> {
  const isNew = await Deno.lstat(dest).then(() => false, () => true);
  if (!isNew && !await Deno.stat(dest).then(({ isDirectory }) => isDirectory, () => false)) {
    fail(
      dest,
      new EngineError("OS_FAILED", `Cannot write output "${dest}": it is no directory`, { detail: { path: dest } }),
    );
  }
  const target = isNew ? temporaryBeside(dest) : dest;
  try {
    for (const { tree, folder } of parts) {
      const directory = folder === "" ? target : `${target}/${folder}`;
      await Deno.mkdir(directory, { recursive: true }).catch((cause) => fail(dest, cause));
      await writeTree(tree, { directory, keepOwners: false }, call);
    }
    if (isNew) await Deno.rename(target, dest).catch((cause) => fail(dest, cause));
  } catch (error) {
    if (isNew) await Deno.remove(target, { recursive: true }).catch(() => {});
    throw naming(error, target, dest);
  }
}

/** The same error, speaking of the folder's own name. */
function naming(error: unknown, target: string, dest: string): unknown {
  if (target === dest || !isEngineError(error)) return error;
  const { code, detail, hint, cause } = error;
  return new EngineError(code, error.message.replaceAll(target, dest), {
    cause,
    detail,
    ...(hint === undefined ? {} : { hint }),
  });
}
