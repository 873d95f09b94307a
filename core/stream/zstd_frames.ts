import { damaged } from "./decoder.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What the next bytes are. Numbers are read in the first five states; the others are passed over. */
type State = "magic" | "skip-size" | "descriptor" | "block-header" | "skip" | "header" | "block" | "checksum";

const dataMagic = 0xfd2fb528;
const skipMagic = 0x184d2a50;
const dictionaryBytes = [0, 1, 2, 4];
const contentSizeBytes = [0, 2, 4, 8];

/** Follows the structure of zstd data (RFC 8878, section 3.1) to tell where its frames begin and end. */
export class ZstdFrames {
  #state: State = "magic";
  #need = 4;
  #number = 0;
  #read = 0;
  #hasChecksum = false;
  #isLastBlock = false;

  /**
   * The parts of the next chunk that belong to data frames, no part reaching beyond one block or checksum; a frame's magic
   * number is a part of its own. Throws `INVALID_ARGUMENT`.
   */
  *split(chunk: Bytes): Generator<Bytes> {
    let start = 0;
    let at = 0;
    while (at < chunk.length) {
      const length = Math.min(this.#need, chunk.length - at);
      const before = this.#state;
      if (this.#isNumber) {
        for (let i = 0; i < length; i++) this.#number += (chunk[at + i] ?? 0) * 2 ** (8 * this.#read++);
      }
      at += length;
      this.#need -= length;
      while (this.#need === 0) this.#advance();
      const isOutside = before === "magic" || before === "skip-size" || before === "skip";
      if (isOutside) start = at;
      if (before === "magic" && this.#state === "descriptor") yield new Uint8Array([0x28, 0xb5, 0x2f, 0xfd]);
      const isBlockEnd = before === "block" && this.#state !== "block";
      if (isBlockEnd || (!isOutside && this.#state === "magic")) {
        yield chunk.subarray(start, at);
        start = at;
      }
    }
    if (start < at) yield chunk.subarray(start, at);
  }

  /** Throws `INVALID_ARGUMENT` unless the chunks ended where a frame did. */
  end(): void {
    if (this.#state !== "magic" || this.#read > 0) throw damaged("zstd", "it is cut off");
  }

  get #isNumber(): boolean {
    return this.#state === "magic" || this.#state === "skip-size" || this.#state === "descriptor" ||
      this.#state === "block-header";
  }

  #enter(state: State, need: number): void {
    this.#state = state;
    this.#need = need;
    this.#number = 0;
    this.#read = 0;
  }

  #advance(): void {
    const number = this.#number;
    switch (this.#state) {
      case "magic":
        if (number === dataMagic) return this.#enter("descriptor", 1);
        if (number - number % 16 === skipMagic) return this.#enter("skip-size", 4);
        throw damaged("zstd", "unknown frame type");
      case "skip-size":
        return this.#enter("skip", number);
      case "descriptor":
        return this.#describe(number);
      case "header":
        return this.#enter("block-header", 3);
      case "block-header":
        return this.#block(number);
      case "block":
        if (!this.#isLastBlock) return this.#enter("block-header", 3);
        if (this.#hasChecksum) return this.#enter("checksum", 4);
        return this.#enter("magic", 4);
      default:
        return this.#enter("magic", 4);
    }
  }

  #describe(descriptor: number): void {
    const isSingle = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >> 6;
    const sizeBytes = sizeFlag === 0 && isSingle ? 1 : contentSizeBytes[sizeFlag] ?? 0;
    this.#hasChecksum = (descriptor & 0x04) !== 0;
    this.#enter("header", (isSingle ? 0 : 1) + (dictionaryBytes[descriptor & 3] ?? 0) + sizeBytes);
  }

  #block(header: number): void {
    this.#isLastBlock = (header & 1) !== 0;
    const type = (header >> 1) & 3;
    if (type === 3) throw damaged("zstd", "unknown block type");
    this.#enter("block", type === 1 ? 1 : header >> 3);
  }
}
