import { EngineError } from "../errors.ts";
import { escapeText } from "../tar/field.ts";
import type { TarEntry } from "../tar/tar_entry.ts";

/** What a name of the form `.wh.…` says about the layers below. */
export interface Mark {
  /** Whether one path is hidden, or all that a directory has had. */
  readonly type: "whiteout" | "opaque";
  /** The hidden path, or the directory; `.` for the root. */
  readonly path: string;
}

const prefix = ".wh.";
const opaqueName = ".wh..wh..opq";
const metadataPrefix = ".wh..wh.";

/**
 * What a path of a layer's tar says (image-spec, layer.md, "Whiteouts"): undefined for an ordinary entry, "skip" for what
 * AUFS kept there for itself. Throws `INVALID_ARGUMENT` for a whiteout that hides nothing, and for what lies below one.
 */
export function readMark(path: string): Mark | "skip" | undefined {
  if (!path.includes(prefix)) return undefined;
  const slash = path.lastIndexOf("/");
  const parent = slash < 0 ? "." : path.slice(0, slash);
  const name = path.slice(slash + 1);
  if (name === opaqueName) return checked({ type: "opaque", path: parent }, path);
  if (path.split("/").some((part) => part.startsWith(metadataPrefix))) return "skip";
  if (hasMarkedPart(parent)) throw badMark(path, "it lies below a whiteout");
  if (!name.startsWith(prefix)) return undefined;
  const hidden = name.slice(prefix.length);
  if (hidden === "" || hidden === "." || hidden === "..") throw badMark(path, "it is a whiteout of nothing");
  return { type: "whiteout", path: slash < 0 ? hidden : `${parent}/${hidden}` };
}

function checked(mark: Mark, path: string): Mark {
  if (hasMarkedPart(mark.path)) throw badMark(path, "it lies below a whiteout");
  return mark;
}

/** Whether some part of the path has the form that is kept for whiteouts. */
export function hasMarkedPart(path: string): boolean {
  return path.startsWith(prefix) || path.includes(`/${prefix}`);
}

/** The empty file that stands for a whiteout or an opaque directory in a tar; its time is 0, its mode 0600. */
export function writeMark(mark: Mark): TarEntry {
  const slash = mark.path.lastIndexOf("/");
  const parent = slash < 0 ? "" : mark.path.slice(0, slash + 1);
  const path = mark.type === "whiteout"
    ? `${parent}${prefix}${mark.path.slice(slash + 1)}`
    : mark.path === "."
    ? opaqueName
    : `${mark.path}/${opaqueName}`;
  return { type: "file", path, mode: 0o600, uid: 0, gid: 0, mtime: 0, size: 0, content: new Uint8Array(0) };
}

function badMark(path: string, state: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot read layer entry "${escapeText(path)}": ${state}`, {
    detail: { field: "entry", value: path },
  });
}
