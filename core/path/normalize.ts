import { EngineError } from "../errors.ts";

/**
 * A path relative to a root, cleaned: slash-separated, no empty, `.` or `..` parts, no slash at either end; `.` for the root
 * itself. A leading slash is dropped. Throws `INVALID_ARGUMENT` when the path climbs out of the root or holds a NUL.
 */
export function normalizePath(path: string): string {
  const parts: string[] = [];
  for (const part of splitChecked(path)) {
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) throw refused(path, "it leads outside its root");
  }
  return parts.length === 0 ? "." : parts.join("/");
}

/**
 * An absolute path, cleaned; `..` at the root stays at the root, as in a `COPY` source. A relative path counts from the
 * root. Throws `INVALID_ARGUMENT` on a NUL.
 */
export function cleanAbsolute(path: string): string {
  const parts: string[] = [];
  for (const part of splitChecked(path)) {
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return "/" + parts.join("/");
}

function splitChecked(path: string): string[] {
  if (path.includes("\0")) throw refused(path, "it holds a NUL byte");
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function refused(path: string, why: string): EngineError {
  const shown = JSON.stringify(path.slice(0, 200)).slice(1, -1);
  return new EngineError("INVALID_ARGUMENT", `Cannot use path "${shown}": ${why}`, {
    detail: { field: "path", value: shown },
  });
}
