import type { ByteStream, Call, Kit } from "../../core/contract/mod.ts";
import { join } from "@std/path";
import { fileError, type Files, streamRange } from "./files.ts";

/**
 * Opens a directory as {@linkcode Files}. Callers build paths from constants and checked digests only. Rejects `NOT_FOUND`, or
 * `INVALID_ARGUMENT` when the path is no directory.
 */
export async function openDirectoryFiles(path: string, kit: Kit): Promise<Files> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (cause) {
    throw fileError(kit, "open directory", path, cause);
  }
  if (!info.isDirectory) throw kit.error("INVALID_ARGUMENT", `Cannot open directory "${path}": not a directory`);
  return {
    label: path,
    size: (name) => sizeOf(join(path, name)),
    open: (name, call, offset = 0) => openFile(join(path, name), { kit, offset }, call),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const info = await Deno.stat(path);
    return info.isFile ? info.size : undefined;
  } catch {
    return undefined;
  }
}

async function openFile(path: string, options: { kit: Kit; offset: number }, call: Call): Promise<ByteStream> {
  const { kit, offset } = options;
  const size = await sizeOf(path);
  if (size === undefined) {
    throw kit.error("NOT_FOUND", `Cannot open "${path}": no such file`, { detail: { kind: "file", name: path } });
  }
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (cause) {
    throw fileError(kit, "open", path, cause);
  }
  const range = { file, start: Math.min(offset, size), end: size };
  return closing(streamRange(range, { kit, label: path }, call), file);
}

function closing(stream: ByteStream, file: Deno.FsFile): ByteStream {
  const reader = stream.getReader();
  return new ReadableStream({
    async pull(controller): Promise<void> {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        file.close();
        controller.close();
      } catch (cause) {
        file.close();
        throw cause;
      }
    },
    cancel(): void {
      file.close();
    },
  }, { highWaterMark: 0 });
}
