import { EngineError } from "../errors.ts";

/** Most symlinks that are followed for one path (as the Linux kernel). */
const MAX_LINKS = 40;

/**
 * A path with every symlink in it followed inside the root, clean and relative, `.` for the root: absolute targets
 * count from the root, and `..` at the root stays there. `readLink` gives the target of a symlink at a clean path
 * without symlinks before its last part, or undefined for anything else, absent or not. Throws `INVALID_ARGUMENT` when
 * links form a loop or the path holds a NUL.
 */
export function resolveLinks(path: string, readLink: (path: string) => string | undefined): string {
  if (path.includes("\0")) throw refused(path, "it holds a NUL byte");
  const waiting = path.split("/").reverse();
  const done: string[] = [];
  let links = 0;
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      done.pop();
      continue;
    }
    const target = readLink([...done, part].join("/"));
    if (target === undefined) {
      done.push(part);
      continue;
    }
    if (++links > MAX_LINKS) throw refused(path, "its symbolic links form a loop");
    if (target.startsWith("/")) done.length = 0;
    waiting.push(...target.split("/").reverse());
  }
  return done.length === 0 ? "." : done.join("/");
}

/** As {@linkcode resolveLinks}, but the last part of the path is not followed when it is a symlink. */
export function resolveParentLinks(path: string, readLink: (path: string) => string | undefined): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  const last = parts.at(-1);
  if (last === undefined || last === "..") return resolveLinks(path, readLink);
  const parent = resolveLinks(parts.slice(0, -1).join("/"), readLink);
  if (last.includes("\0")) throw refused(path, "it holds a NUL byte");
  return parent === "." ? last : `${parent}/${last}`;
}

function refused(path: string, why: string): EngineError {
  const shown = JSON.stringify(path.slice(0, 200)).slice(1, -1);
  return new EngineError("INVALID_ARGUMENT", `Cannot follow path "${shown}": ${why}`, {
    detail: { field: "path", value: shown },
  });
}
