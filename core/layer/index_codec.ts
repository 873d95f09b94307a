import { EngineError } from "../errors.ts";
import type { SparseSegment } from "../tar/sparse.ts";
import type { IndexEntry, LayerIndex } from "./layer_index.ts";

/**
 * The stored form: one JSON object of columns, which reads several times faster than one object an entry. Columns go with
 * the entries they belong to, in order: `paths` and the letters of `types` with all, `modes` to `mtimes` with all that have
 * metadata, `sizes` to `digests` with files, `targets` with links, `devices` (two numbers each) with devices.
 */
interface Columns {
  version: 1;
  types: string;
  paths: string[];
  modes: number[];
  uids: number[];
  gids: number[];
  mtimes: number[];
  sizes: number[];
  offsets: number[];
  /** 64 hex digits each. */
  digests: string;
  targets: string[];
  devices: number[];
  /** By position of the entry: values in base64 by name. */
  xattrs: Record<string, Record<string, string>>;
  /** By position of the entry. */
  sparse: Record<string, SparseSegment[]>;
}

const letters = {
  file: "f",
  directory: "d",
  symlink: "l",
  hardlink: "h",
  fifo: "p",
  char: "c",
  block: "b",
  whiteout: "w",
  opaque: "o",
} as const;

const numberColumns = ["modes", "uids", "gids", "mtimes", "sizes", "offsets", "devices"] as const;

/** A layer index as bytes for the store; equal indexes give equal bytes. */
export function encodeLayerIndex(index: LayerIndex): Uint8Array<ArrayBuffer> {
  const columns: Columns = {
    version: 1,
    types: index.entries.map((entry) => letters[entry.type]).join(""),
    paths: index.entries.map((entry) => entry.path),
    modes: [],
    uids: [],
    gids: [],
    mtimes: [],
    sizes: [],
    offsets: [],
    digests: "",
    targets: [],
    devices: [],
    xattrs: {},
    sparse: {},
  };
  const digests: string[] = [];
  index.entries.forEach((entry, position) => addEntry(columns, digests, { entry, position }));
  columns.digests = digests.join("");
  return new TextEncoder().encode(JSON.stringify(columns));
}

function addEntry(
  columns: Columns,
  digests: string[],
  { entry, position }: { readonly entry: IndexEntry; readonly position: number },
): void {
  if (entry.type === "whiteout" || entry.type === "opaque") return;
  columns.modes.push(entry.mode);
  columns.uids.push(entry.uid);
  columns.gids.push(entry.gid);
  columns.mtimes.push(entry.mtime);
  if (entry.xattrs !== undefined) {
    const sorted = Object.entries(entry.xattrs).sort(([a], [b]) => (a < b ? -1 : 1));
    columns.xattrs[position] = Object.fromEntries(sorted.map(([name, value]) => [name, value.toBase64()]));
  }
  if (entry.type === "file") {
    columns.sizes.push(entry.size);
    columns.offsets.push(entry.offset);
    digests.push(entry.digest.slice(entry.digest.indexOf(":") + 1));
    if (entry.sparse !== undefined) columns.sparse[position] = [...entry.sparse];
  }
  if (entry.type === "symlink" || entry.type === "hardlink") columns.targets.push(entry.target);
  if (entry.type === "char" || entry.type === "block") columns.devices.push(entry.major, entry.minor);
}

/** Reads what {@linkcode encodeLayerIndex} wrote. Throws `CONTENT_MISMATCH` for anything else. */
export function decodeLayerIndex(bytes: Uint8Array): LayerIndex {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw malformed(cause);
  }
  if (!isColumns(value)) throw malformed();
  return { entries: readEntries(value) };
}

function readEntries(columns: Columns): IndexEntry[] {
  const { paths, types, digests } = columns;
  const entries: IndexEntry[] = [];
  let meta = 0;
  let file = 0;
  let link = 0;
  let device = 0;
  const hasXattrs = Object.keys(columns.xattrs).length > 0;
  for (let i = 0; i < paths.length; i++) {
    const path = at(paths, i);
    const letter = types[i];
    if (letter === "w" || letter === "o") {
      entries.push({ type: letter === "w" ? "whiteout" : "opaque", path });
      continue;
    }
    const xattrs = hasXattrs ? columns.xattrs[i] : undefined;
    const facts = {
      path,
      mode: at(columns.modes, meta),
      uid: at(columns.uids, meta),
      gid: at(columns.gids, meta),
      mtime: at(columns.mtimes, meta++),
      ...(xattrs === undefined ? undefined : { xattrs: readXattrs(xattrs) }),
    };
    if (letter === "f") {
      const digest = digests.slice(64 * file, 64 * file + 64);
      if (digest.length < 64) throw malformed();
      const sparse = columns.sparse[i];
      entries.push({
        ...facts,
        type: "file",
        size: at(columns.sizes, file),
        offset: at(columns.offsets, file++),
        digest: `sha256:${digest}`,
        ...(sparse === undefined ? undefined : { sparse }),
      });
    } else if (letter === "d" || letter === "p") {
      entries.push({ ...facts, type: letter === "d" ? "directory" : "fifo" });
    } else if (letter === "l" || letter === "h") {
      entries.push({ ...facts, type: letter === "l" ? "symlink" : "hardlink", target: at(columns.targets, link++) });
    } else if (letter === "c" || letter === "b") {
      const major = at(columns.devices, device++);
      entries.push({ ...facts, type: letter === "c" ? "char" : "block", major, minor: at(columns.devices, device++) });
    } else throw malformed();
  }
  return entries;
}

function at<T>(column: readonly T[], position: number): T {
  const value = column[position];
  if (value === undefined) throw malformed();
  return value;
}

function readXattrs(values: Readonly<Record<string, string>>): Record<string, Uint8Array> {
  try {
    return Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Uint8Array.fromBase64(text)]));
  } catch (cause) {
    throw malformed(cause);
  }
}

function isColumns(value: unknown): value is Columns {
  if (value === null || typeof value !== "object") return false;
  const columns = new Map(Object.entries(value));
  const isText = (item: unknown): boolean => typeof item === "string";
  const isRecord = (item: unknown): item is object => item !== null && typeof item === "object" && !Array.isArray(item);
  const lists = ["paths", "targets"].map((name) => columns.get(name));
  const numbers = numberColumns.map((name) => columns.get(name));
  const xattrs = columns.get("xattrs");
  const sparse = columns.get("sparse");
  return columns.get("version") === 1 && isText(columns.get("types")) && isText(columns.get("digests")) &&
    lists.every((list) => Array.isArray(list) && list.every(isText)) &&
    numbers.every((list) => Array.isArray(list) && list.every(Number.isFinite)) &&
    isRecord(xattrs) && Object.values(xattrs).every((item) => isRecord(item) && Object.values(item).every(isText)) &&
    isRecord(sparse) && Object.values(sparse).every(isSegments);
}

function isSegments(value: unknown): boolean {
  return Array.isArray(value) &&
    value.every((item) => Array.isArray(item) && item.length === 2 && item.every(Number.isSafeInteger));
}

function malformed(cause?: unknown): EngineError {
  return new EngineError("CONTENT_MISMATCH", "Cannot read layer index: it is malformed", { cause });
}
