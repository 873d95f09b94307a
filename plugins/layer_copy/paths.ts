/**
 * Cleans a path lexically: `..` stops at the root, a slash at either end says nothing. The result is a clean path as all of
 * this folder uses them: relative, slash-separated, without `.` and `..`, empty for the root.
 */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

/** The folder a clean path is in; the root's is the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** The last part of a clean path; empty for the root. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A clean path below a clean folder; either may be empty. */
export function joinPath(folder: string, path: string): string {
  if (folder === "") return path;
  return path === "" ? folder : `${folder}/${path}`;
}

/** The form in which a {@linkcode Tree} takes a clean path: `.` for the root. */
export function treePath(path: string): string {
  return path === "" ? "." : path;
}

/** Whether a clean path is a folder itself or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return folder === "" || path === folder || path.startsWith(folder + "/");
}

/** Whether any part of a path, were it in a layer, would read as a whiteout (image-spec, layer.md, "Whiteouts"). */
export function looksLikeWhiteout(path: string): boolean {
  return path.includes(".wh.") && (path.startsWith(".wh.") || path.includes("/.wh."));
}

/**
 * Order of two paths part by part, each part by its UTF-8 bytes: a folder comes right before what is below it, as in a
 * walk.
 */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  if (unit === 0x2f) return -1;
  // Surrogates stand for code points above U+FFFF, so they come after the rest of UTF-16.
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}
