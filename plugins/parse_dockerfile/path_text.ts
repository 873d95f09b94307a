/** An absolute path without `.`, `..` and repeated slashes, and without one at the end; `..` stops at the root. */
export function cleanAbsolute(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** A path joined to a folder when it is relative, and cleaned. */
export function joinAbsolute(folder: string, path: string): string {
  return cleanAbsolute(path.startsWith("/") ? path : `${folder}/${path}`);
}

/** A path below the root of a tree, cleaned: relative, `.` for the root itself; `..` stops at the root. */
export function treePath(path: string): string {
  const cleaned = cleanAbsolute(path).slice(1);
  return cleaned === "" ? "." : cleaned;
}

/** The last part of a path; empty for the root. */
export function baseName(path: string): string {
  const cleaned = cleanAbsolute(path);
  return cleaned.slice(cleaned.lastIndexOf("/") + 1);
}
