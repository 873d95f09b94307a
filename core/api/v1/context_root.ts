import { EngineError } from "../../errors.ts";
import { httpError } from "../status.ts";

/**
 * The real path of a folder of this host, symlinks followed, which lies in one of the roots or is one. Rejects `DENIED` for any other
 * path, also for one that only a symlink leads out, `NOT_FOUND` for what is no folder in them, and `INVALID_ARGUMENT` for a path that is not absolute.
 */
export async function resolveContextRoot(roots: readonly string[], path: string): Promise<string> {
  if (!path.startsWith("/") || path.includes("\0")) {
    throw new EngineError("INVALID_ARGUMENT", `Cannot build "${path.slice(0, 200)}": expected an absolute path`, {
      detail: { field: "context.path", value: path.slice(0, 200) },
    });
  }
  const allowed = (await Promise.all(roots.map(realPath))).filter((root) => root !== undefined);
  const real = await realPath(path);
  // What lies elsewhere is refused whether it is there or not: who asks learns nothing of it.
  if (real === undefined ? !isInside(clean(path), [...roots, ...allowed]) : !isInside(real, allowed)) {
    throw denied(path);
  }
  if (real === undefined || !(await Deno.stat(real)).isDirectory) {
    throw new EngineError("NOT_FOUND", `Cannot build "${path.slice(0, 200)}": there is no such folder`, {
      detail: { kind: "folder", name: path.slice(0, 200) },
    });
  }
  return real;
}

async function realPath(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    if (error instanceof Deno.errors.FilesystemLoop || error instanceof Deno.errors.PermissionDenied) return undefined;
    // A name that is too long, and the like.
    return undefined;
  }
}

function isInside(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path === root || path.startsWith(root.endsWith("/") ? root : `${root}/`));
}

/** The path with `.` and `..` taken out by name. */
function clean(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function denied(path: string): EngineError {
  return httpError(
    403,
    "DENIED",
    `Cannot build "${path.slice(0, 200)}": it is in no folder that may be built over the API`,
    {
      detail: { field: "context.path", value: path.slice(0, 200) },
      hint: "Start strata serve with --allow-context, or send the context as a tar",
    },
  );
}
