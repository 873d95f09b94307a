import { EngineError } from "../errors.ts";
import { mtimeOf } from "../os/file_stat.ts";
import type { FileAttributes, Root, SnapshotWriter } from "../os/file_system.ts";

const chunkBytes = 1024 * 1024;

/** Copies a file, link or device to the same path of another directory, whose parent is there. Throws `OS_FAILED`. */
export function copyFile(from: Root, path: string, to: SnapshotWriter): void {
  const stat = from.lstat(path);
  if (stat === undefined || stat.type === "directory" || stat.type === "socket") {
    throw new EngineError("INVALID_ARGUMENT", `Cannot copy "${path}": it is no file`, {
      detail: { field: "entry", value: path },
    });
  }
  const attributes: FileAttributes = {
    mode: stat.mode,
    owner: { uid: stat.uid, gid: stat.gid },
    mtime: mtimeOf(stat),
  };
  if (stat.type !== "file") {
    if (stat.type === "symlink") to.symlink(from.readLink(path), path);
    else to.makeNode(path, { type: stat.type, major: stat.major, minor: stat.minor });
    to.setAttributes(path, attributes);
    return;
  }
  using source = from.open(path);
  using target = to.createFile(path);
  const buffer = new Uint8Array(Math.min(chunkBytes, Math.max(stat.size, 1)));
  for (let length = source.read(buffer); length > 0; length = source.read(buffer)) {
    target.write(buffer.subarray(0, length));
  }
  target.setAttributes({ ...attributes, xattrs: source.xattrs() });
}
