import type { ByteStream, Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { MediaType } from "../oci/media_type.ts";
import { uploadName } from "../store/names.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { readChunks } from "../stream/byte_stream.ts";
import type { Repository } from "./hosted_name.ts";

/**
 * A blob on its way into a repository: bytes come in one or several requests, in order, and go straight to a temporary file of the store,
 * hashed as they come. It lives as long as the server does; when that is killed, the store sweeps the file.
 */
export class HostedUpload {
  readonly id: string = crypto.randomUUID();
  readonly repository: Repository;
  readonly #store: Store;
  readonly #stop: AbortController = new AbortController();
  readonly #written: Promise<Descriptor>;
  #pieces!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #asked = Promise.withResolvers<void>();
  #size = 0;
  #isBusy = false;
  #isOver = false;
  #failure: unknown;
  #usedAt: number;

  constructor(store: Store, repository: Repository, now: number) {
    this.#store = store;
    this.repository = repository;
    this.#usedAt = now;
    const stream: ByteStream = new ReadableStream({
      start: (controller) => void (this.#pieces = controller),
      pull: () => this.#asked.resolve(),
      cancel: () => this.#asked.resolve(),
    }, { highWaterMark: 0 });
    const call: Call = { signal: this.#stop.signal, emit: () => {} };
    this.#written = store.ingest(stream, MediaType.octetStream, call);
    this.#written.catch((error) => {
      this.#failure = error;
      this.#asked.resolve();
    });
  }

  /** Whether no more bytes are taken: it was ended or dropped, or the store has failed. */
  get isOver(): boolean {
    return this.#isOver || this.#failure !== undefined;
  }

  /** How many bytes have come. */
  get size(): number {
    return this.#size;
  }

  /** When the last request ended that sent some of it, in milliseconds since the epoch; undefined while one is under way. */
  get idleSince(): number | undefined {
    return this.#isBusy ? undefined : this.#usedAt;
  }

  /**
   * Takes the bytes of a request. When that breaks off, what has come by then stays. Rejects `CONFLICT` while another request sends some,
   * and as the stream and the store do.
   */
  async add(body: ByteStream, clock: () => Date): Promise<void> {
    if (this.#isBusy || this.#isOver) {
      await body.cancel();
      throw this.#inUse();
    }
    this.#isBusy = true;
    try {
      for await (const chunk of readChunks(body)) await this.#take(chunk);
    } finally {
      this.#isBusy = false;
      this.#usedAt = clock().getTime();
    }
  }

  /**
   * Ends it: the blob is in the repository when its bytes have the digest. Rejects `CONTENT_MISMATCH` when they have not; it is over
   * then too. Rejects `CONFLICT` while a request sends bytes of it.
   */
  async finish(digest: Digest, call: Call): Promise<Descriptor> {
    if (this.#isBusy || this.#isOver) throw this.#inUse();
    this.#isOver = true;
    await using lease = await this.#store.lease(call);
    void lease;
    await this.#untilAsked();
    this.#pieces.close();
    const written = await this.#written;
    const descriptor = digest.startsWith("sha256:") ? written : { ...written, digest };
    if (descriptor === written && written.digest !== digest) throw mismatch(digest, written.digest);
    if (descriptor !== written) {
      const open = (offset?: number): Promise<ByteStream> => this.#store.open(written, call, offset);
      await this.#store.put(descriptor, open, call);
    }
    await this.#store.update([{ name: uploadName(this.repository, digest), descriptor }], call);
    return descriptor;
  }

  /** Drops it with what has come. */
  async cancel(): Promise<void> {
    this.#isOver = true;
    this.#stop.abort();
    await this.#written.catch(() => {});
  }

  #inUse(): EngineError {
    return new EngineError(
      "CONFLICT",
      `Cannot go on with upload "${this.id}": another request is sending bytes of it`,
      {
        detail: { kind: "upload", name: this.id },
      },
    );
  }

  /** Hands a chunk over when the store has taken the one before. */
  async #take(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#untilAsked();
    if (chunk.length === 0) return;
    this.#asked = Promise.withResolvers<void>();
    this.#pieces.enqueue(chunk);
    this.#size += chunk.length;
  }

  async #untilAsked(): Promise<void> {
    await this.#asked.promise;
    if (this.#failure !== undefined) throw this.#failure;
    throwIfAborted(this.#stop.signal);
  }
}

function mismatch(expected: Digest, actual: Digest): EngineError {
  return new EngineError("CONTENT_MISMATCH", `Cannot take blob "${expected}": the digest of its bytes is ${actual}`, {
    detail: { expected, actual },
  });
}
