import type { ByteStream, Call, Kit } from "../../core/contract/mod.ts";

/** Most bytes of a JSON document that an archive may hold: manifests, indexes, configs. */
export const maxDocumentBytes = 8 * 1024 * 1024;

/** Bytes read from a file at once. */
const chunkBytes = 1024 * 1024;
/** Bytes of the first read, which is the only one where no more than the start is looked at. */
const headBytes = 4096;

/** Files of an archive or a directory by path, relative and slash-separated; opened by range, never unpacked. */
export interface Files extends AsyncDisposable {
  /** What the user named, for messages. */
  readonly label: string;
  /** Size of a regular file in bytes; undefined when there is none at that path. */
  size(path: string): Promise<number | undefined>;
  /** Bytes of a file from `offset` on. Rejects `NOT_FOUND`. */
  open(path: string, call: Call, offset?: number): Promise<ByteStream>;
}

/** A part of an open file. */
export interface FileRange {
  /** The file; stays open. */
  readonly file: Deno.FsFile;
  /** First byte. */
  readonly start: number;
  /** Byte after the last one. */
  readonly end: number;
}

/**
 * Streams a range. Seek and read happen in one synchronous step, so several ranges of one file can be read at a time. Fails
 * `CANCELED` when the call is aborted and `INVALID_ARGUMENT` when the file ends early.
 */
export function streamRange(
  range: FileRange,
  context: { readonly kit: Kit; readonly label: string },
  call: Call,
): ByteStream {
  let at = range.start;
  return new ReadableStream({
    pull(controller): void {
      if (call.signal.aborted) throw context.kit.error("CANCELED", `Cannot read "${context.label}": canceled`);
      if (at >= range.end) return controller.close();
      const chunk = new Uint8Array(Math.min(at === range.start ? headBytes : chunkBytes, range.end - at));
      range.file.seekSync(at, Deno.SeekMode.Start);
      const count = range.file.readSync(chunk);
      if (count === null) {
        throw context.kit.error("INVALID_ARGUMENT", `Cannot read "${context.label}": it ends too early`);
      }
      at += count;
      controller.enqueue(count === chunk.length ? chunk : chunk.subarray(0, count));
      if (at >= range.end) controller.close();
    },
  }, { highWaterMark: 0 });
}

/** All bytes of a document; undefined when absent. Rejects `INVALID_ARGUMENT` when it is larger than {@linkcode maxDocumentBytes}. */
export async function readDocument(
  files: Files,
  path: string,
  context: { readonly kit: Kit; readonly call: Call },
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const size = await files.size(path);
  if (size === undefined) return undefined;
  if (size > maxDocumentBytes) {
    throw context.kit.error(
      "INVALID_ARGUMENT",
      `Cannot read "${path}" of "${files.label}": ${size} bytes, expected at most ${maxDocumentBytes}`,
    );
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of await files.open(path, context.call)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Turns what the system said about a path into an error that names it. */
export function fileError(kit: Kit, verb: string, path: string, cause: unknown): Error {
  if (cause instanceof Error && "code" in cause && "detail" in cause) return cause;
  if (cause instanceof Deno.errors.NotFound) {
    return kit.error("NOT_FOUND", `Cannot ${verb} "${path}": no such file or directory`, {
      cause,
      detail: { kind: "file", name: path },
    });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return kit.error("OS_FAILED", `Cannot ${verb} "${path}": ${reason}`, { cause, detail: { path } });
}
