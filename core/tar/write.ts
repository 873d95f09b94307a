import type { ByteStream, Call, OpenContent } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { readChunks, streamFrom } from "../stream/byte_stream.ts";
import { ChunkBuffer } from "./chunk_buffer.ts";
import { encodeHeader } from "./encode_header.ts";
import { blockSize, escapeText } from "./field.ts";
import type { TarEntry } from "./tar_entry.ts";

/** Learns what goes into a tar while it is written. */
export interface TarObserver {
  /** An entry begins; `offset` is where the content begins in the tar, in bytes. */
  entry(entry: TarEntry, offset: number): void;
  /** The next bytes of its content; they must not be kept. */
  data(bytes: Uint8Array): void;
  /** The entry is written. */
  done(entry: TarEntry): void;
}

/**
 * A plain tar of the entries, in their order: ustar headers, PAX records where ustar cannot tell it, no user names, no
 * access times, two zero blocks at the end. Equal entries give equal bytes. Asks for the next entry only while it is read;
 * cancelling returns `entries`. Errors with `CONTENT_MISMATCH` when a content is not `size` bytes long, `INVALID_ARGUMENT`
 * for an entry that no tar can hold, whiteouts included, `UNSUPPORTED` for a name that is not well-formed, `CANCELED`.
 */
export function writeTar(entries: AsyncIterable<LayerEntry>, call: Call): ByteStream {
  return observeTar(plain(entries), { entry: ignore, data: ignore, done: ignore }, call);
}

/** As {@linkcode writeTar}, and tells the observer what is written and where. */
export function observeTar(entries: AsyncIterable<TarEntry>, observer: TarObserver, call: Call): ByteStream {
  return streamFrom(encode(entries, observer, call), call.signal);
}

function ignore(): void {}

async function* plain(entries: AsyncIterable<LayerEntry>): AsyncGenerator<TarEntry> {
  for await (const entry of entries) {
    if (entry.type !== "whiteout" && entry.type !== "opaque") yield entry;
    else {
      throw new EngineError(
        "INVALID_ARGUMENT",
        `Cannot write tar entry "${escapeText(entry.path)}": a tar has no whiteouts`,
        {
          detail: { field: "type", value: entry.type },
        },
      );
    }
  }
}

async function* encode(
  entries: AsyncIterable<TarEntry>,
  observer: TarObserver,
  call: Call,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const out = new ChunkBuffer();
  for await (const entry of entries) {
    throwIfAborted(call.signal);
    encodeHeader(entry, out);
    observer.entry(entry, out.position);
    if (entry.type === "file") {
      if (entry.content instanceof Uint8Array) writeBytes(entry, entry.content, { out, observer, call });
      else yield* writeStream(entry, entry.content, { out, observer, call });
      out.zeros((blockSize - entry.size % blockSize) % blockSize);
    }
    observer.done(entry);
    for (let chunk = out.take(); chunk !== undefined; chunk = out.take()) yield chunk;
  }
  out.zeros(2 * blockSize);
  out.flush();
  for (let chunk = out.take(); chunk !== undefined; chunk = out.take()) yield chunk;
}

interface Writing {
  readonly out: ChunkBuffer;
  readonly observer: TarObserver;
  readonly call: Call;
}

type FileEntry = TarEntry & { readonly type: "file" };

function writeBytes(entry: FileEntry, content: Uint8Array, { out, observer }: Writing): void {
  if (content.length !== entry.size) throw wrongSize(entry, content.length);
  observer.data(content);
  out.write(content);
}

async function* writeStream(
  entry: FileEntry,
  open: OpenContent,
  { out, observer, call }: Writing,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let written = 0;
  for await (const chunk of readChunks(await open(), call.signal)) {
    written += chunk.length;
    if (written > entry.size) throw wrongSize(entry, written);
    observer.data(chunk);
    out.give(chunk);
    for (let full = out.take(); full !== undefined; full = out.take()) yield full;
  }
  throwIfAborted(call.signal);
  if (written < entry.size) throw wrongSize(entry, written);
}

function wrongSize(entry: FileEntry, actual: number): EngineError {
  const more = actual > entry.size ? "more than " : "";
  return new EngineError(
    "CONTENT_MISMATCH",
    `Cannot write tar entry "${escapeText(entry.path)}": its content has ${more}${
      Math.min(actual, entry.size)
    } bytes, expected ${entry.size}`,
    { detail: { path: entry.path, expected: entry.size, actual }, hint: "Do not change files while they are read." },
  );
}
