import { BitInput } from "./bit_input.ts";
import { type Bzip2Block, readBlock } from "./bzip2_block.ts";
import { damaged } from "./decoder.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** No block is longer when compressed: 900,000 symbols of 20 bits, and tables. */
const maxBlockBytes = 2_400_000;
const outputBytes = 256 << 10;
const blockMark = [0x314159, 0x265359];
const endMark = [0x177245, 0x385090];

/**
 * Decompresses bzip2, also several streams in a row (docs/adr/0003-bzip2-and-xz.md). Throws `INVALID_ARGUMENT` for damaged
 * or cut off data, and `UNSUPPORTED` for what bzip2 before 0.9.5 wrote.
 */
export async function* bunzip2(chunks: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
  const input = new BitInput();
  const decoder = new Bzip2Decoder(input);
  for await (const chunk of chunks) {
    input.push(chunk);
    while (input.available > maxBlockBytes) yield* decoder.step();
  }
  while (!decoder.isDone) yield* decoder.step();
}

/** Goes through streams and blocks, one step at a time; each step wants a whole block at hand. */
class Bzip2Decoder {
  readonly #input: BitInput;
  #links = new Uint32Array(0);
  #state: "stream" | "block" = "stream";
  #streams = 0;
  #crc = 0;

  constructor(input: BitInput) {
    this.#input = input;
  }

  /** Whether all that was pushed is decoded. */
  get isDone(): boolean {
    return this.#state === "stream" && this.#streams > 0 && this.#input.available === 0;
  }

  *step(): Generator<Bytes> {
    if (this.#state === "stream") return this.#readStreamHeader();
    const mark = [this.#input.read(24), this.#input.read(24)];
    this.#input.check();
    if (mark.every((part, i) => part === endMark[i])) return this.#readStreamEnd();
    if (!mark.every((part, i) => part === blockMark[i])) throw damaged("bzip2", "a block does not begin as one");
    const block = readBlock(this.#input, this.#links);
    yield* expand(block);
    this.#crc = (((this.#crc << 1) | (this.#crc >>> 31)) ^ block.crc) >>> 0;
  }

  #readStreamHeader(): void {
    const signature = this.#input.read(24);
    const level = this.#input.read(8) - 0x30;
    this.#input.check();
    if (signature !== 0x425a68 || level < 1 || level > 9) throw damaged("bzip2", "no bzip2 data");
    if (this.#links.length !== level * 100_000) this.#links = new Uint32Array(level * 100_000);
    this.#state = "block";
    this.#crc = 0;
  }

  #readStreamEnd(): void {
    const crc = this.#input.readWord();
    this.#input.align();
    this.#input.check();
    if (crc !== this.#crc) throw damaged("bzip2", "its checksum is wrong");
    this.#state = "stream";
    this.#streams++;
  }
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc >>> 0;
});

/** Follows a block's links and expands its runs: after four equal bytes, one byte tells how many more there are. */
function* expand({ links, length, origin, crc: expected }: Bzip2Block): Generator<Bytes> {
  let out = new Uint8Array(outputBytes);
  let at = 0;
  let crc = -1;
  let link = (links[origin] ?? 0) >>> 8;
  let last = -1;
  let equal = 0;
  for (let i = 0; i < length; i++) {
    link = links[link] ?? 0;
    const value = link & 0xff;
    link >>>= 8;
    let byte = value;
    let count = 1;
    if (equal === 4) {
      byte = last;
      count = value;
      equal = 0;
      last = -1;
    } else if (value === last) equal++;
    else {
      last = value;
      equal = 1;
    }
    for (; count > 0; count--) {
      out[at++] = byte;
      crc = (crc << 8) ^ (crcTable[(crc >>> 24) ^ byte] ?? 0);
      if (at < outputBytes) continue;
      yield out;
      out = new Uint8Array(outputBytes);
      at = 0;
    }
  }
  if (~crc >>> 0 !== expected) throw damaged("bzip2", "its checksum is wrong");
  if (at > 0) yield out.subarray(0, at);
}
