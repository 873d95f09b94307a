import { EngineError } from "../errors.ts";
import type { BitInput } from "./bit_input.ts";
import { damaged } from "./decoder.ts";

const maxCodeLength = 20;
const groupSize = 50;
const lookupBits = 10;
const maxSelectors = 18002;

/** A block's bytes before its runs are expanded, as links: low byte the symbol, the rest the place of the next one. */
export interface Bzip2Block {
  /** The links; only the first `length` count. */
  readonly links: Uint32Array;
  /** Number of bytes. */
  readonly length: number;
  /** Place of the first link. */
  readonly origin: number;
  /** CRC that the expanded bytes must have. */
  readonly crc: number;
}

/** Huffman codes of one table: those of up to 10 bits by look-up, as symbol × 32 + length, longer ones by their limits. */
interface CodeTable {
  readonly lookup: Uint32Array;
  readonly limits: Int32Array;
  readonly offsets: Int32Array;
  readonly symbols: Uint16Array;
}

/**
 * Reads one block, its six-byte mark taken already, into `links`. Throws `INVALID_ARGUMENT` for damaged data and
 * `UNSUPPORTED` for blocks of bzip2 before 0.9.5, which were randomised.
 */
export function readBlock(input: BitInput, links: Uint32Array): Bzip2Block {
  const crc = input.readWord();
  if (input.read(1) === 1) {
    throw new EngineError("UNSUPPORTED", "Cannot decompress bzip2 data: it is of bzip2 before 0.9.5", {
      detail: { what: "randomised bzip2 block" },
    });
  }
  const origin = input.read(24);
  const symbols = readSymbols(input);
  const tableCount = input.read(3);
  if (symbols.length === 0 || tableCount < 2 || tableCount > 6) throw damaged("bzip2", "a block has bad tables");
  const selectors = readSelectors(input, tableCount);
  const tables = Array.from({ length: tableCount }, () => readTable(input, symbols.length + 2));
  const length = readLinks(input, { links, symbols, selectors, tables });
  if (origin >= length) throw damaged("bzip2", "a block begins outside itself");
  linkUp(links, length);
  input.check();
  return { links, length, origin, crc };
}

/** Byte values that the block uses. */
function readSymbols(input: BitInput): Uint8Array {
  const used: number[] = [];
  const rows = input.read(16);
  for (let row = 0; row < 16; row++) {
    if ((rows & (0x8000 >> row)) === 0) continue;
    const columns = input.read(16);
    for (let column = 0; column < 16; column++) if ((columns & (0x8000 >> column)) !== 0) used.push(16 * row + column);
  }
  return new Uint8Array(used);
}

/** Which table each group of 50 symbols is coded with. */
function readSelectors(input: BitInput, tableCount: number): Uint8Array {
  const count = input.read(15);
  if (count === 0) throw damaged("bzip2", "a block has bad tables");
  const selectors = new Uint8Array(Math.min(count, maxSelectors));
  const order = Uint8Array.from({ length: tableCount }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    let place = 0;
    while (input.read(1) === 1) if (++place >= tableCount) throw damaged("bzip2", "a block has bad tables");
    const table = order[place] ?? 0;
    order.copyWithin(1, 0, place);
    order[0] = table;
    if (i < maxSelectors) selectors[i] = table;
  }
  return selectors;
}

function readTable(input: BitInput, symbolCount: number): CodeTable {
  const lengths = new Uint8Array(symbolCount);
  let length = input.read(5);
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    while (true) {
      if (length < 1 || length > maxCodeLength) throw damaged("bzip2", "a block has bad tables");
      if (input.read(1) === 0) break;
      length += input.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return buildTable(lengths);
}

function buildTable(lengths: Uint8Array): CodeTable {
  const lookup = new Uint32Array(1 << lookupBits);
  const limits = new Int32Array(maxCodeLength + 2).fill(-1);
  const offsets = new Int32Array(maxCodeLength + 2);
  const symbols = new Uint16Array(lengths.length);
  let code = 0;
  let place = 0;
  for (let length = 1; length <= maxCodeLength; length++) {
    offsets[length] = place - code;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue;
      symbols[place++] = symbol;
      if (length <= lookupBits) {
        const first = code << (lookupBits - length);
        lookup.fill(symbol * 32 + length, first, first + (1 << (lookupBits - length)));
      }
      code++;
    }
    limits[length] = code;
    if (code > 1 << length) throw damaged("bzip2", "a block has bad tables");
    code <<= 1;
  }
  return { lookup, limits, offsets, symbols };
}

function readSymbol(input: BitInput, table: CodeTable): number {
  input.fill();
  const known = table.lookup[input.peek(lookupBits)] ?? 0;
  if (known !== 0) {
    input.drop(known & 31);
    return known >> 5;
  }
  for (let length = lookupBits + 1; length <= maxCodeLength; length++) {
    const code = input.peek(length);
    if (code < (table.limits[length] ?? 0)) {
      input.drop(length);
      return table.symbols[code + (table.offsets[length] ?? 0)] ?? 0;
    }
  }
  throw damaged("bzip2", "a block has an unknown code");
}

interface BlockParts {
  readonly links: Uint32Array;
  readonly symbols: Uint8Array;
  readonly selectors: Uint8Array;
  readonly tables: readonly CodeTable[];
}

/** Undoes Huffman, zero-run and move-to-front coding; the bytes go to the low bits of the links. */
function readLinks(input: BitInput, { links, symbols, selectors, tables }: BlockParts): number {
  const order = symbols.slice();
  const end = symbols.length + 1;
  let length = 0;
  let run = 0;
  let weight = 1;
  for (const selector of selectors) {
    const table = tables[selector];
    if (table === undefined) break;
    for (let i = 0; i < groupSize; i++) {
      const symbol = readSymbol(input, table);
      if (symbol <= 1) {
        run += weight << symbol;
        weight <<= 1;
        if (run > links.length - length) throw damaged("bzip2", "a block is longer than it may be");
        continue;
      }
      if (run > 0) {
        links.fill(order[0] ?? 0, length, length + run);
        length += run;
        run = 0;
        weight = 1;
      }
      if (symbol === end) return length;
      if (length === links.length) throw damaged("bzip2", "a block is longer than it may be");
      const byte = order[symbol - 1] ?? 0;
      order.copyWithin(1, 0, symbol - 1);
      order[0] = byte;
      links[length++] = byte;
    }
  }
  throw damaged("bzip2", "a block has no end");
}

/** Undoes the Burrows-Wheeler transform as far as the places of the next bytes. */
function linkUp(links: Uint32Array, length: number): void {
  const starts = new Uint32Array(257);
  for (let i = 0; i < length; i++) {
    const next = ((links[i] ?? 0) & 0xff) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let byte = 1; byte <= 256; byte++) starts[byte] = (starts[byte] ?? 0) + (starts[byte - 1] ?? 0);
  for (let i = 0; i < length; i++) {
    const byte = (links[i] ?? 0) & 0xff;
    const place = starts[byte] ?? 0;
    starts[byte] = place + 1;
    links[place] = (links[place] ?? 0) | (i << 8);
  }
}
