import { damaged } from "./decoder.ts";

/** Reads bits, the most significant first, from bytes that are pushed in. */
export class BitInput {
  #bytes = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #bits = 0;
  #count = 0;
  #missing = 0;

  /** Whole bytes that have not been read. */
  get available(): number {
    return this.#end - this.#start + Math.max(0, (this.#count >> 3) - this.#missing);
  }

  /** Adds bytes; they are copied. */
  push(bytes: Uint8Array): void {
    const rest = this.#end - this.#start;
    if (this.#end + bytes.length > this.#bytes.length) {
      const room = rest + bytes.length <= this.#bytes.length ? this.#bytes : new Uint8Array(2 * (rest + bytes.length));
      room.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = room;
      this.#start = 0;
      this.#end = rest;
    }
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Makes sure of at least 24 bits to look at; beyond the end they are zeros. */
  fill(): void {
    while (this.#count <= 24) {
      if (this.#start < this.#end) this.#bits = (this.#bits << 8) | (this.#bytes[this.#start++] ?? 0);
      else {
        this.#bits <<= 8;
        this.#missing++;
      }
      this.#count += 8;
    }
  }

  /** The next bits without taking them, at most 24; `fill` comes first. */
  peek(count: number): number {
    return (this.#bits >>> (this.#count - count)) & ((1 << count) - 1);
  }

  /** Takes bits that were looked at. */
  drop(count: number): void {
    this.#count -= count;
  }

  /** Takes the next bits, at most 24. */
  read(count: number): number {
    this.fill();
    const value = this.peek(count);
    this.#count -= count;
    return value;
  }

  /** Takes the next 32 bits, as an unsigned number. */
  readWord(): number {
    return this.read(16) * 0x10000 + this.read(16);
  }

  /** Takes the rest of the byte that was begun. */
  align(): void {
    this.#count -= this.#count & 7;
  }

  /** Throws `INVALID_ARGUMENT` when more was taken than there was. */
  check(): void {
    if (this.#missing * 8 > this.#count) throw damaged("bzip2", "it is cut off");
  }
}
