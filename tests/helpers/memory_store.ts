import type { BlobInfo, ByteStream, Call, Descriptor, Digest, Store } from "../../core/contract/mod.ts";
import type { NameChange, Named, OpenContent } from "../../core/contract/mod.ts";
import { EngineError } from "../../core/errors.ts";
import { streamOf } from "../../core/stream/byte_stream.ts";
import { throwIfAborted } from "../../core/stream/abort.ts";
import { concatBytes } from "../../core/stream/collect.ts";
import { createHasher } from "../../core/stream/hash_stream.ts";

interface Blob {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly createdAt: Date;
  used: number;
}

/** What the handles of one store in memory share. */
export interface MemoryState {
  readonly blobs: Map<string, Blob>;
  readonly names: Map<string, Named>;
  readonly leases: Set<number>;
  counter: number;
  /** Changes of names so far. */
  changes: number;
  isCollecting: boolean;
}

/** A place for a store in memory. */
export function createMemoryState(): MemoryState {
  return { blobs: new Map(), names: new Map(), leases: new Set(), counter: 1, changes: 0, isCollecting: false };
}

/** A store in memory, for tests. Stores made from one state see the same content, as processes do. */
export function createMemoryStore(state: MemoryState = createMemoryState()): Store {
  return new MemoryStore(state);
}

class MemoryStore implements Store {
  readonly #state: MemoryState;
  readonly #own = new Set<number>();

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async *names(prefix: string, call: Call): AsyncIterable<Named> {
    throwIfAborted(call.signal);
    const named = [...this.#state.names.values()].filter(({ name }) => name.startsWith(prefix));
    yield* named.sort((a, b) => compareBytes(a.name, b.name));
  }

  async resolve(name: string, call: Call): Promise<Descriptor | undefined> {
    throwIfAborted(call.signal);
    return await Promise.resolve(this.#state.names.get(name)?.descriptor);
  }

  async open(descriptor: Descriptor, call: Call, offset = 0): Promise<ByteStream> {
    throwIfAborted(call.signal);
    const blob = this.#find(descriptor.digest);
    if (blob === undefined) throw missing(descriptor.digest);
    if (offset < 0 || offset > blob.bytes.length) {
      throw new EngineError("INVALID_ARGUMENT", `Cannot open blob at ${offset}: it has ${blob.bytes.length} bytes`);
    }
    return await Promise.resolve(streamOf(blob.bytes.slice(offset)));
  }

  async has(descriptor: Descriptor, call: Call): Promise<boolean> {
    throwIfAborted(call.signal);
    return await Promise.resolve(this.#find(descriptor.digest)?.bytes.length === descriptor.size);
  }

  async put(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    if (await this.has(descriptor, call)) return;
    const bytes = await readAll(await open(), descriptor.size, call);
    const hasher = createHasher(descriptor.digest.startsWith("sha512:") ? "sha512" : "sha256");
    hasher.update(bytes);
    const actual = hasher.digest();
    if (bytes.length !== descriptor.size || actual !== descriptor.digest) {
      throw new EngineError("CONTENT_MISMATCH", `Cannot write blob "${descriptor.digest}": its digest is ${actual}`);
    }
    this.#land(descriptor.digest, bytes);
  }

  async ingest(content: ByteStream, mediaType: string, call: Call): Promise<Descriptor> {
    const bytes = await readAll(content, Infinity, call);
    const hasher = createHasher();
    hasher.update(bytes);
    const digest = hasher.digest();
    this.#land(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  localPath(): undefined {
    return undefined;
  }

  async *blobs(call: Call): AsyncIterable<BlobInfo> {
    throwIfAborted(call.signal);
    for (const [digest, blob] of this.#state.blobs) yield infoOf(digest, blob);
  }

  async delete(digest: Digest, call: Call): Promise<boolean> {
    throwIfAborted(call.signal);
    return await Promise.resolve(this.#state.blobs.delete(digest));
  }

  tag(descriptor: Descriptor, name: string, call: Call): Promise<void> {
    return this.update([{ name, descriptor }], call);
  }

  async untag(name: string, call: Call): Promise<boolean> {
    throwIfAborted(call.signal);
    this.#state.changes++;
    return await Promise.resolve(this.#state.names.delete(name));
  }

  async update(changes: readonly NameChange[], call: Call): Promise<void> {
    throwIfAborted(call.signal);
    for (const { name, descriptor } of changes) {
      if (name === "") throw new EngineError("INVALID_ARGUMENT", 'Cannot use name "": it is empty');
      if (descriptor !== undefined && this.#find(descriptor.digest)?.bytes.length !== descriptor.size) {
        throw missing(descriptor.digest);
      }
    }
    this.#state.changes++;
    for (const { name, descriptor } of changes) {
      if (descriptor === undefined) this.#state.names.delete(name);
      else this.#state.names.set(name, { name, descriptor, updatedAt: new Date() });
    }
    await Promise.resolve();
  }

  revision(): Promise<string> {
    return Promise.resolve(String(this.#state.changes));
  }

  async lease(call: Call): Promise<AsyncDisposable> {
    throwIfAborted(call.signal);
    const start = ++this.#state.counter;
    this.#state.leases.add(start);
    this.#own.add(start);
    const end = (): void => {
      this.#state.leases.delete(start);
      this.#own.delete(start);
    };
    return await Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve(end()) });
  }

  async *collect(mark: () => Promise<ReadonlySet<Digest>>, call: Call): AsyncIterable<BlobInfo> {
    throwIfAborted(call.signal);
    if (this.#state.isCollecting) {
      throw new EngineError("CONFLICT", "Cannot collect blobs: another process is collecting");
    }
    this.#state.isCollecting = true;
    try {
      const horizon = Math.min(++this.#state.counter, ...this.#state.leases);
      const marked: ReadonlySet<string> = await mark();
      const doomed = [...this.#state.blobs].filter(([digest, blob]) => blob.used < horizon && !marked.has(digest));
      for (const [digest] of doomed) this.#state.blobs.delete(digest);
      for (const [digest, blob] of doomed) yield infoOf(digest, blob);
    } finally {
      this.#state.isCollecting = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const start of this.#own) this.#state.leases.delete(start);
    this.#own.clear();
    await Promise.resolve();
  }

  #find(digest: string): Blob | undefined {
    const blob = this.#state.blobs.get(digest);
    if (blob !== undefined && this.#own.size > 0) blob.used = this.#state.counter;
    return blob;
  }

  #land(digest: string, bytes: Uint8Array<ArrayBuffer>): void {
    const known = this.#state.blobs.get(digest);
    this.#state.blobs.set(digest, { bytes, createdAt: known?.createdAt ?? new Date(), used: this.#state.counter });
  }
}

async function readAll(stream: ByteStream, limit: number, call: Call): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  const giveUp = (): void => void reader.cancel(call.signal.reason).catch(() => {});
  call.signal.addEventListener("abort", giveUp, { once: true });
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    while (true) {
      throwIfAborted(call.signal);
      const next = await reader.read();
      throwIfAborted(call.signal);
      if (next.done) return concatBytes(chunks);
      size += next.value.length;
      if (size > limit) throw new EngineError("CONTENT_MISMATCH", `Cannot write blob: it has more than ${limit} bytes`);
      chunks.push(next.value);
    }
  } finally {
    call.signal.removeEventListener("abort", giveUp);
    await reader.cancel().catch(() => {});
  }
}

const encoder = new TextEncoder();

function compareBytes(a: string, b: string): number {
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at < 0 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? -1);
}

function infoOf(digest: string, blob: Blob): BlobInfo {
  // Keys are the digests that descriptors had.
  return { digest: digest as Digest, size: blob.bytes.length, createdAt: blob.createdAt };
}

function missing(digest: string): EngineError {
  return new EngineError("NOT_FOUND", `Cannot open blob "${digest}": it is not in the store`, {
    detail: { kind: "blob", name: digest },
  });
}
