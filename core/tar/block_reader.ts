import { EngineError } from "../errors.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Cuts pushed chunks into pieces of the sizes asked for, without waiting and without copying where a chunk holds them whole. */
export class BlockReader {
  #chunk: Bytes = new Uint8Array(0);
  #at = 0;
  #before = 0;
  #skip = 0;
  #isLast = false;
  #partial: Bytes | undefined;
  #filled = 0;

  /** Bytes taken or skipped so far; those still to be skipped do not count. */
  get position(): number {
    return this.#before + this.#at;
  }

  /** Whether all bytes were given and used up; false while skipped ones or those of a piece asked for are missing. */
  get isExhausted(): boolean {
    return this.#isLast && this.#at === this.#chunk.length && this.#skip === 0 && this.#partial === undefined;
  }

  /** Whether no more chunks will come. */
  get isLast(): boolean {
    return this.#isLast;
  }

  /** Gives the next chunk, once the one before it is used up. */
  push(chunk: Bytes): void {
    if (this.#at < this.#chunk.length) throw new EngineError("INTERNAL", "Cannot read blocks: a chunk came too early");
    this.#before += this.#chunk.length;
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Tells that no more chunks come. */
  end(): void {
    this.#isLast = true;
  }

  /** Leaves out the next bytes, those of later chunks included. */
  skip(size: number): void {
    this.#skip += size;
    this.#skipNow();
  }

  /** The next `size` bytes; undefined when another chunk is needed first, after which the same size must be asked for. */
  take(size: number): Bytes | undefined {
    this.#skipNow();
    const rest = this.#chunk.length - this.#at;
    if (this.#partial === undefined && rest >= size) {
      this.#at += size;
      return this.#chunk.subarray(this.#at - size, this.#at);
    }
    if (rest === 0) return undefined;
    this.#partial ??= new Uint8Array(size);
    const part = this.#chunk.subarray(this.#at, this.#at + size - this.#filled);
    this.#partial.set(part, this.#filled);
    this.#filled += part.length;
    this.#at += part.length;
    if (this.#filled < size) return undefined;
    const whole = this.#partial;
    this.#partial = undefined;
    this.#filled = 0;
    return whole;
  }

  /** Between 1 and `size` of the next bytes; undefined when another chunk is needed first. */
  piece(size: number): Bytes | undefined {
    this.#skipNow();
    const length = Math.min(size, this.#chunk.length - this.#at);
    if (length === 0) return undefined;
    this.#at += length;
    return this.#chunk.subarray(this.#at - length, this.#at);
  }

  #skipNow(): void {
    if (this.#skip === 0) return;
    const length = Math.min(this.#skip, this.#chunk.length - this.#at);
    this.#at += length;
    this.#skip -= length;
  }
}
