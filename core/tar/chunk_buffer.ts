type Bytes = Uint8Array<ArrayBuffer>;

const capacity = 1 << 20;
/** Chunks of at least this length are passed on as they are; shorter ones are gathered, so that writes stay few. */
const passBytes = 256 << 10;
/** What is gathered is copied out when it is shorter than this, so that the buffer can go on being used. */
const copyBytes = 32 << 10;

/** Gathers bytes into chunks of at most 1 MiB. A chunk that was taken belongs to the taker. */
export class ChunkBuffer {
  readonly #ready: Bytes[] = [];
  #buffer: Bytes = new Uint8Array(capacity);
  #at = 0;
  #before = 0;

  /** Bytes gathered since the start, those taken included. */
  get position(): number {
    return this.#before + this.#at;
  }

  /** The next finished chunk, or undefined when there is none. */
  take(): Bytes | undefined {
    return this.#ready.shift();
  }

  /** Room for `size` bytes, at most 64 KiB, to be filled at once; all zeros. */
  reserve(size: number): Bytes {
    if (capacity - this.#at < size) this.flush();
    const room = this.#buffer.subarray(this.#at, this.#at + size);
    room.fill(0);
    this.#at += size;
    return room;
  }

  /** Adds that many zero bytes, at most 64 KiB. */
  zeros(size: number): void {
    if (size > 0) this.reserve(size);
  }

  /** Adds a copy of the bytes. */
  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      if (this.#at === capacity) this.flush();
      const part = bytes.subarray(done, done + capacity - this.#at);
      this.#buffer.set(part, this.#at);
      this.#at += part.length;
      done += part.length;
    }
  }

  /** Adds bytes that the caller gives away: copied when they are few, passed on as they are when they are many. */
  give(bytes: Bytes): void {
    if (bytes.length < passBytes) return this.write(bytes);
    this.flush();
    this.#ready.push(bytes);
    this.#before += bytes.length;
  }

  /** Finishes the chunk that is being gathered. */
  flush(): void {
    if (this.#at === 0) return;
    this.#before += this.#at;
    if (this.#at < copyBytes) this.#ready.push(this.#buffer.slice(0, this.#at));
    else {
      this.#ready.push(this.#buffer.subarray(0, this.#at));
      this.#buffer = new Uint8Array(capacity);
    }
    this.#at = 0;
  }
}
