import { EngineError } from "../errors.ts";
import { mtimeOf } from "../os/file_stat.ts";
import type { FileAttributes, Root, SnapshotWriter } from "../os/file_system.ts";

const chunkBytes = 1024 * 1024;

/** Copies a file, link or device to a path of another directory, whose parent is there. Throws `OS_FAILED`. */
export function copyFile(
  { root, path }: { readonly root: Root; readonly path: string },
  writer: SnapshotWriter,
  to: string,
): void {
  const stat = root.lstat(path);
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
    if (stat.type === "symlink") writer.symlink(root.readLink(path), to);
    else writer.makeNode(to, { type: stat.type, major: stat.major, minor: stat.minor });
    writer.setAttributes(to, attributes);
    return;
  }
  using source = root.open(path);
  using target = writer.createFile(to);
  const buffer = new Uint8Array(Math.min(chunkBytes, Math.max(stat.size, 1)));
  for (let length = source.read(buffer); length > 0; length = source.read(buffer)) {
    target.write(buffer.subarray(0, length));
  }
  target.setAttributes({ ...attributes, xattrs: source.xattrs() });
}
