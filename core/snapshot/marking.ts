import type { FileStat, Root, SnapshotWriter } from "../os/file_system.ts";

/** How a directory shows what one layer takes away from the layers below it. */
export interface Marking {
  /** Hides what the layers below have at a path, at which this layer has nothing. */
  hide(path: string): void;
  /** Hides all that the layers below have in a directory of this layer. */
  hideBelow(path: string): void;
  /** Whether a file only stands for something hidden. */
  isMark(stat: Pick<FileStat, "type" | "major" | "minor">): boolean;
  /** Takes note that the layer has something at a path, or below it. */
  note(path: string): void;
  /** Whether what is at a path is of this layer, or something below it is. */
  isOwn(path: string): boolean;
}

/** Extended attribute by which the overlay file system knows an opaque directory; another one inside a user namespace. */
export function opaqueName(isUserNamespace: boolean): string {
  return isUserNamespace ? "user.overlay.opaque" : "trusted.overlay.opaque";
}

/** Extended attribute that a file has which the overlay file system copied up. */
export function originName(isUserNamespace: boolean): string {
  return isUserNamespace ? "user.overlay.origin" : "trusted.overlay.origin";
}

/** Whether a file is what the overlay file system puts in the place of one that is gone. */
export function isWhiteout(stat: Pick<FileStat, "type" | "major" | "minor">): boolean {
  return stat.type === "char" && stat.major === 0 && stat.minor === 0;
}

/** Puts a whiteout at a path, as the overlay file system does. */
export function makeWhiteout(writer: SnapshotWriter, path: string): void {
  writer.makeNode(path, { type: "char", major: 0, minor: 0 });
}

/** Marks as the overlay file system reads them, for a directory that holds one layer. It reads none of the root directory itself. */
export function overlayMarking(writer: SnapshotWriter, isUserNamespace: boolean): Marking {
  return {
    hide: (path) => makeWhiteout(writer, path),
    hideBelow: (path) => path === "." ? undefined : writer.setXattr(path, opaqueName(isUserNamespace), "y"),
    isMark: isWhiteout,
    note: () => {},
    isOwn: () => true,
  };
}

/** No marks but removal, for a directory that holds all layers; to be made anew for each layer. */
export function flatMarking(writer: SnapshotWriter, root: Root): Marking {
  const own = new Set<string>();
  const hideBelow = (path: string): void => {
    for (const name of root.scan(path).names) {
      const below = path === "." ? name : `${path}/${name}`;
      if (!own.has(below)) writer.removeAll(below);
      else if (writer.lstat(below)?.type === "directory") hideBelow(below);
    }
  };
  return {
    hide: (path) => writer.removeAll(path),
    hideBelow,
    isMark: () => false,
    note(path): void {
      for (let at = path; at !== "" && !own.has(at); at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) own.add(at);
    },
    isOwn: (path) => own.has(path),
  };
}
