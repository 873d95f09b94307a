import type { ByteStream, Call, Descriptor } from "../../core/contract/mod.ts";
import { findBlob, type StoreParts } from "./blob_table.ts";
import { isMissing } from "./failure.ts";
import { blobPath } from "./layout.ts";

/** Size of the pieces in which a blob is read. */
const READ_BYTES = 256 * 1024;

/** The bytes of a stored blob from an offset on, read as they are asked for. Throws `NOT_FOUND`, `INVALID_ARGUMENT`. */
export function openBlob(
  parts: StoreParts,
  part: { readonly descriptor: Descriptor; readonly offset: number },
  call: Call,
): ByteStream {
  const { kit } = parts;
  const { digest } = part.descriptor;
  const path = blobPath(parts.layout, digest, kit);
  const size = findBlob(parts, digest);
  if (size === undefined) throw notFound(parts, digest, path);
  if (!Number.isSafeInteger(part.offset) || part.offset < 0 || part.offset > size) {
    throw kit.error("INVALID_ARGUMENT", `Cannot open blob "${digest}" at ${part.offset}: it has ${size} bytes`, {
      detail: { field: "offset", value: part.offset },
    });
  }
  try {
    return readFile(path, { offset: part.offset, size }, { parts, call });
  } catch (error) {
    if (isMissing(error)) throw notFound(parts, digest, path);
    throw error;
  }
}

function readFile(
  path: string,
  range: { readonly offset: number; readonly size: number },
  { parts, call }: { readonly parts: StoreParts; readonly call: Call },
): ByteStream {
  const file = Deno.openSync(path);
  let left = range.size - range.offset;
  if (range.offset > 0) file.seekSync(range.offset, Deno.SeekMode.Start);
  return new ReadableStream({
    pull(controller): void {
      try {
        if (call.signal.aborted) {
          throw parts.kit.error("CANCELED", `Cannot read file "${path}": the operation was canceled`);
        }
        const buffer = new Uint8Array(Math.min(READ_BYTES, left));
        const count = left === 0 ? null : file.readSync(buffer);
        if (count !== null) {
          left -= count;
          controller.enqueue(count === buffer.length ? buffer : buffer.subarray(0, count));
          if (left > 0) return;
        }
        file.close();
        controller.close();
      } catch (error) {
        file.close();
        controller.error(error);
      }
    },
    cancel(): void {
      file.close();
    },
  }, { highWaterMark: 0 });
}

function notFound(parts: StoreParts, digest: string, path: string): Error {
  const hasRow = parts.database.row("SELECT 1 FROM blobs WHERE digest = ?", digest) !== undefined;
  const state = hasRow ? `its file "${path}" is missing or has another size` : "it is not in the store";
  return parts.kit.error("NOT_FOUND", `Cannot open blob "${digest}": ${state}`, {
    detail: { kind: "blob", name: digest },
    ...(hasRow ? { hint: "Build, load or pull the image again" } : {}),
  });
}
