/** A member of a tar as a hostile writer would put it: nothing is checked. */
export interface RawMember {
  /** Name as stored, at most 100 bytes. */
  readonly name: string;
  /** `0` file, `1` hard link, `2` symbolic link, `5` directory; a file when left out. */
  readonly type?: string;
  /** Text of a file. */
  readonly text?: string;
  /** Target of a link, at most 100 bytes. */
  readonly link?: string;
  /** Permission bits; 0644 when left out. */
  readonly mode?: number;
  /** User and group; 7 when left out. */
  readonly owner?: number;
  /** Size to claim in place of the true one. */
  readonly size?: number;
}

const block = 512;

/** A plain ustar archive of the members in the order given, ended by two empty blocks. */
export function rawTar(members: readonly RawMember[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const { name, type = "0", text = "", link = "", mode = 0o644, owner = 7, size } of members) {
    const body = encoder.encode(text);
    const header = new Uint8Array(block);
    const put = (at: number, value: string): void => header.set(encoder.encode(value), at);
    const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");
    put(0, name);
    put(100, octal(mode, 7));
    put(108, octal(owner, 7));
    put(116, octal(owner, 7));
    put(124, octal(size ?? body.length, 11));
    put(136, octal(1234, 11));
    put(148, " ".repeat(8));
    put(156, type);
    put(157, link);
    put(257, "ustar\0" + "00");
    put(148, octal(header.reduce((sum, byte) => sum + byte, 0), 6) + "\0 ");
    parts.push(header, body, new Uint8Array((block - body.length % block) % block));
  }
  parts.push(new Uint8Array(2 * block));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The bytes, gzipped. */
export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
