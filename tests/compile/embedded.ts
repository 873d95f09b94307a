/**
 * Reads back what `deno compile` wrote behind the run-time of a binary: the layout is that of Deno 2.9 (cli/rt/binary.rs and
 * cli/lib/standalone/virtual_fs.rs of its source).
 */

/** What a binary was told about itself; the members that are looked at. */
export interface Metadata {
  readonly entrypoint_key: string;
  readonly permissions: Readonly<Record<string, unknown>>;
  readonly unstable_config: { readonly features: readonly string[] };
  readonly v8_flags: readonly string[];
  readonly workspace_resolver: { readonly import_map: { readonly json: string } | null };
}

/** What is inside a binary. */
export interface Embedded {
  readonly metadata: Metadata;
  /** Bytes of files by their path below the program's folder. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

type Entry =
  | { readonly Dir: { readonly n: string; readonly e: readonly Entry[] } }
  | { readonly File: { readonly n: string; readonly o: readonly [offset: number, length: number] } }
  | { readonly Symlink: { readonly n: string } };

const mark = new TextEncoder().encode("d3n0l4nd");

/** Reads a binary. Throws `TypeError` when it holds no program in this layout. */
export function readEmbedded(binary: Uint8Array<ArrayBuffer>): Embedded {
  for (let at = find(binary, 0); at >= 0; at = find(binary, at + 1)) {
    const found = readAt(binary, at + mark.length);
    if (found !== undefined) return found;
  }
  throw new TypeError("Cannot read binary: there is no program in it");
}

function find(bytes: Uint8Array<ArrayBuffer>, from: number): number {
  for (let at = bytes.indexOf(mark[0] ?? 0, from); at >= 0; at = bytes.indexOf(mark[0] ?? 0, at + 1)) {
    if (isMark(bytes, at)) return at;
  }
  return -1;
}

function isMark(bytes: Uint8Array<ArrayBuffer>, at: number): boolean {
  return mark.every((byte, i) => bytes[at + i] === byte);
}

/** The mark is also part of the run-time's code, so most places where it stands begin nothing. */
function readAt(binary: Uint8Array<ArrayBuffer>, start: number): Embedded | undefined {
  const view = new DataView(binary.buffer, binary.byteOffset);
  let at = start;
  const block = (): Uint8Array<ArrayBuffer> => {
    const length = Number(view.getBigUint64(at, true));
    if (length > binary.length - at - 8) throw new RangeError("longer than the file");
    at += 8 + length;
    return binary.subarray(at - length, at);
  };
  const count = (): number => {
    at += 4;
    return view.getUint32(at - 4, true);
  };
  try {
    const metadata = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(block()));
    block(); // what npm packages depend on
    // Modules from URLs, of which strata has none: their names, redirects, texts.
    if (count() + count() + count() !== 0) return undefined;
    const entries: readonly Entry[] = JSON.parse(new TextDecoder().decode(block()));
    const data = block();
    return isMark(binary, at) ? { metadata, files: new Map(filesOf(entries, "", data)) } : undefined;
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function* filesOf(entries: readonly Entry[], folder: string, data: Uint8Array): Generator<[string, Uint8Array]> {
  for (const entry of entries) {
    if ("Dir" in entry) yield* filesOf(entry.Dir.e, `${folder}${entry.Dir.n}/`, data);
    if (!("File" in entry)) continue;
    const { n: name, o: [offset, length] } = entry.File;
    yield [folder + name, data.subarray(offset, offset + length)];
  }
}
