import type { Root, SnapshotWriter } from "../os/file_system.ts";

/** How a directory shows what a layer takes away from the layers below it. */
export interface Marking {
  /** Hides what the layers below have at a path, at which this layer has nothing. */
  hide(path: string): void;
  /** Hides all that the layers below have in a directory of this layer; `isOwn` tells what the layer itself has there. */
  hideBelow(path: string, isOwn: (path: string) => boolean): void;
}

/** Extended attribute by which the overlay file system knows an opaque directory; another one inside a user namespace. */
export function opaqueName(isUserNamespace: boolean): string {
  return isUserNamespace ? "user.overlay.opaque" : "trusted.overlay.opaque";
}

/** Marks as the overlay file system reads them, for a directory that holds one layer. */
export function overlayMarking(writer: SnapshotWriter, isUserNamespace: boolean): Marking {
  return {
    hide: (path) => writer.makeNode(path, { type: "char", major: 0, minor: 0 }),
    hideBelow: (path) => writer.setXattr(path, opaqueName(isUserNamespace), "y"),
  };
}

/** No marks but removal, for a directory that holds all layers. */
export function flatMarking(writer: SnapshotWriter, root: Root): Marking {
  const hideBelow = (path: string, isOwn: (path: string) => boolean): void => {
    for (const name of root.scan(path).names) {
      const below = path === "." ? name : `${path}/${name}`;
      if (!isOwn(below)) writer.removeAll(below);
      else if (writer.lstat(below)?.type === "directory") hideBelow(below, isOwn);
    }
  };
  return { hide: (path) => writer.removeAll(path), hideBelow };
}
