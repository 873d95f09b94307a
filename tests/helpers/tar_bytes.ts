import { streamOf } from "../../core/stream/byte_stream.ts";
import { concatBytes } from "../../core/stream/collect.ts";

/** Fields of a header block; bytes go in as they are. What is left out is that of an empty file of root. */
export interface HeaderFields {
  readonly name?: string | Uint8Array;
  readonly mode?: string;
  readonly uid?: string | Uint8Array;
  readonly size?: number | string | Uint8Array;
  readonly mtime?: string | Uint8Array;
  readonly type?: string;
  readonly link?: string;
  readonly magic?: string;
  readonly major?: string;
  readonly minor?: string;
  readonly prefix?: string;
  /** Bytes by position, put last. */
  readonly at?: Readonly<Record<number, string | Uint8Array>>;
  /** How the checksum is summed up. */
  readonly checksum?: "unsigned" | "signed" | "wrong";
}

const encoder = new TextEncoder();

/** One header block, not necessarily a good one. */
export function headerBlock(fields: HeaderFields = {}): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(512);
  const put = (at: number, value: string | Uint8Array): void =>
    block.set(typeof value === "string" ? encoder.encode(value) : value, at);
  const { size = 0 } = fields;
  put(0, fields.name ?? "file");
  put(100, fields.mode ?? "0000644\0");
  put(108, fields.uid ?? "0000000\0");
  put(116, "0000000\0");
  put(124, typeof size === "number" ? `${size.toString(8).padStart(11, "0")}\0` : size);
  put(136, fields.mtime ?? "00000000000\0");
  put(156, fields.type ?? "0");
  put(157, fields.link ?? "");
  put(257, fields.magic ?? "ustar\0" + "00");
  put(329, fields.major ?? "0000000\0");
  put(337, fields.minor ?? "0000000\0");
  put(345, fields.prefix ?? "");
  for (const [at, value] of Object.entries(fields.at ?? {})) put(Number(at), value);
  put(148, " ".repeat(8));
  const signed = fields.checksum === "signed" ? 256 * block.filter((byte) => byte >= 0x80).length : 0;
  const wrong = fields.checksum === "wrong" ? 1 : 0;
  const sum = block.reduce((total, byte) => total + byte, 0) - signed + wrong;
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** A header and its content, padded. The size is that of the content unless told. */
export function member(fields: HeaderFields, content: string | Uint8Array = ""): Uint8Array<ArrayBuffer> {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  const padding = new Uint8Array((512 - bytes.length % 512) % 512);
  return concatBytes([headerBlock({ size: bytes.length, ...fields }), bytes, padding]);
}

/** An extended header with the records as they are given, keys repeated and values binary where wanted. */
export function paxMember(
  records: readonly (readonly [string, string | Uint8Array])[],
  type = "x",
): Uint8Array<ArrayBuffer> {
  const parts = records.map(([key, value]) => {
    const rest = concatBytes([
      encoder.encode(` ${key}=`),
      typeof value === "string" ? encoder.encode(value) : value,
      encoder.encode("\n"),
    ]);
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    return concatBytes([encoder.encode(String(length)), rest]);
  });
  return member({ name: "PaxHeaders/file", type }, concatBytes(parts));
}

/** Two zero blocks. */
export const tarEnd = new Uint8Array(1024);

/** The parts as one stream, in chunks of the size given, which is odd so that nothing is aligned. */
export function tarStream(parts: readonly Uint8Array[], chunkBytes = 777): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = concatBytes(parts);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.slice(at, at + chunkBytes));
  return streamOf(...chunks);
}
