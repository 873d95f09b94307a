import type { ByteStream, Call } from "../contract/call.ts";
import { EngineError, isEngineError } from "../errors.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { readChunks } from "../stream/byte_stream.ts";

/**
 * Writes a file that a user named: whole or not at all, under a temporary name beside it until it is complete. A device or a pipe
 * is written directly, and where the path is a symlink, the file it leads to is replaced. Rejects `OS_FAILED` naming the path,
 * `CANCELED`, and what the stream fails with.
 */
export async function writeOutputFile(path: string, content: ByteStream, call: Call): Promise<void> {
  const place = await findPlace(path);
  const written = place.isDirect ? place.path : temporaryBeside(place.path);
  try {
    using file = await openFile(written, { isNew: !place.isDirect, path });
    await writeAll(content, file, { path }, call);
    if (!place.isDirect) await Deno.rename(written, place.path).catch((cause) => fail(path, cause));
  } catch (error) {
    if (!place.isDirect) await Deno.remove(written).catch(() => {});
    throw error;
  }
}

/** Writes a stream to an open file, and flushes nothing. Rejects `OS_FAILED` naming the path, `CANCELED`. */
export async function writeAll(
  stream: ByteStream,
  target: { write(bytes: Uint8Array): Promise<number> },
  { path }: { readonly path: string },
  call: Call,
): Promise<void> {
  for await (const chunk of readChunks(stream, call.signal)) {
    for (let at = 0; at < chunk.length;) {
      at += await target.write(chunk.subarray(at)).catch((cause) => fail(path, cause));
    }
  }
  throwIfAborted(call.signal);
}

/** A name beside a path that nothing has. */
export function temporaryBeside(path: string): string {
  return `${path.replace(/(?<=.)\/+$/, "")}.${crypto.randomUUID()}.tmp`;
}

/** Throws `OS_FAILED` for what the system said about an output; an engine error passes unchanged. */
export function fail(path: string, cause: unknown): never {
  if (isEngineError(cause)) throw cause;
  // The system repeats the paths of its call, which may be temporary ones.
  const said = (cause instanceof Error ? cause.message : String(cause)).replace(/(\(os error \d+\)).*$/s, "$1");
  const isMissing = cause instanceof Deno.errors.NotFound;
  throw new EngineError(
    "OS_FAILED",
    `Cannot write output "${path}": ${isMissing ? "its directory does not exist" : said}`,
    {
      cause,
      detail: { path },
      ...(isMissing ? { hint: "Make the directory, or choose another path" } : {}),
    },
  );
}

async function findPlace(path: string): Promise<{ readonly path: string; readonly isDirect: boolean }> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (info === undefined) return { path, isDirect: false };
  if (info.isDirectory) fail(path, new EngineError("OS_FAILED", `Cannot write output "${path}": it is a directory`));
  // An open file without a name, as standard output may be, has no real path.
  const target = info.isFile ? await Deno.realPath(path).catch(() => undefined) : undefined;
  return { path: target ?? path, isDirect: target === undefined };
}

async function openFile(
  written: string,
  { isNew, path }: { readonly isNew: boolean; readonly path: string },
): Promise<Deno.FsFile> {
  const options = isNew ? { createNew: true, write: true } : { write: true };
  return await Deno.open(written, options).catch((cause) => fail(path, cause));
}
