import type { ByteStream, Descriptor, Kit, OpenContent } from "../../core/contract/mod.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

/** Reads content in parts that follow each other, from one stream as long as they do, and checks its length. */
export class ContentReader {
  readonly #descriptor: Descriptor;
  readonly #open: OpenContent;
  readonly #kit: Kit;
  #reader: Reader | undefined;
  #position = 0;
  #rest: Uint8Array<ArrayBuffer> | undefined;
  #failure: { readonly cause: unknown } | undefined;

  constructor(descriptor: Descriptor, open: OpenContent, kit: Kit) {
    this.#descriptor = descriptor;
    this.#open = open;
    this.#kit = kit;
  }

  /** What reading failed with, which is not the registry's fault; undefined as long as it did not. */
  get failure(): { readonly cause: unknown } | undefined {
    return this.#failure;
  }

  /** The bytes from one offset to another. Errors `CONTENT_MISMATCH` when the content has fewer, or more behind its end. */
  async slice(from: number, to: number): Promise<ByteStream> {
    await this.#noteFailure(() => this.#seek(from));
    return new ReadableStream({
      pull: (controller) =>
        this.#noteFailure(async () => {
          const chunk = await this.#next(to);
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk);
        }),
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
  }

  /** All bytes at once, of content that is known to be small. */
  async collect(): Promise<Uint8Array<ArrayBuffer>> {
    const { size } = this.#descriptor;
    const bytes = new Uint8Array(size);
    let offset = 0;
    for await (const chunk of await this.slice(0, size)) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return bytes;
  }

  /** Lets the content go. */
  async close(): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    this.#rest = undefined;
    await reader?.cancel().catch(() => {});
  }

  async #seek(position: number): Promise<void> {
    if (this.#reader !== undefined && this.#position === position) return;
    await this.close();
    try {
      this.#reader = (await this.#open(position)).getReader();
      this.#position = position;
    } catch (error) {
      const isFromStartOnly = position > 0 && error instanceof Error && "code" in error && error.code === "UNSUPPORTED";
      if (!isFromStartOnly) throw error;
      this.#reader = (await this.#open()).getReader();
      this.#position = 0;
      while (this.#position < position) if (await this.#next(position) === undefined) break;
    }
  }

  async #next(to: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#position === to && to < this.#descriptor.size) return undefined;
    const chunk = await this.#read();
    if (this.#position === to) {
      if (chunk === undefined) return undefined;
      throw this.#wrongSize(`more than ${to}`);
    }
    if (chunk === undefined) throw this.#wrongSize(String(this.#position));
    const left = to - this.#position;
    if (chunk.length > left) {
      if (to === this.#descriptor.size) throw this.#wrongSize(`more than ${to}`);
      this.#rest = chunk.subarray(left);
    }
    const part = chunk.subarray(0, left);
    this.#position += part.length;
    return part;
  }

  async #read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) return rest;
    while (this.#reader !== undefined) {
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      if (value.length > 0) return value;
    }
    return undefined;
  }

  async #noteFailure<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      this.#failure = { cause };
      await this.close();
      throw cause;
    }
  }

  #wrongSize(actual: string): Error {
    const { digest, size } = this.#descriptor;
    return this.#kit.error("CONTENT_MISMATCH", `Cannot push "${digest}": it has ${actual} bytes, expected ${size}`, {
      detail: { expected: size, actual },
    });
  }
}
