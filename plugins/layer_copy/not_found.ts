import type { Tree } from "../../core/contract/mod.ts";
import { closestName } from "./closest_name.ts";
import type { CopyEnvironment } from "./node.ts";
import { joinPath, treePath } from "./paths.ts";

/** The error for a source that is not there. Its hint names what is there and most like it. */
export async function sourceNotFound(tree: Tree, path: string, environment: CopyEnvironment): Promise<Error> {
  const similar = await closestPath(tree, path, environment);
  return environment.kit.error("NOT_FOUND", `Cannot copy "/${path}": not found`, {
    detail: { kind: "path", name: `/${path}`, ...(similar === undefined ? {} : { similar: `/${similar}` }) },
    hint: similar === undefined
      ? "Check the path and, for one in the build context, that no .dockerignore pattern leaves it out"
      : `Check the spelling: "/${similar}" is there`,
  });
}

/** The path with its first absent part replaced by the most similar name beside it. */
async function closestPath(tree: Tree, path: string, { context }: CopyEnvironment): Promise<string | undefined> {
  const parts = path.split("/");
  let folder = "";
  for (const [i, part] of parts.entries()) {
    const next = joinPath(folder, part);
    if (await tree.stat(next, context) !== undefined) {
      folder = next;
      continue;
    }
    if ((await tree.stat(treePath(folder), context))?.type !== "directory") return undefined;
    const name = closestName(part, await tree.list(treePath(folder), context));
    if (name === undefined) return undefined;
    const similar = [joinPath(folder, name), ...parts.slice(i + 1)].join("/");
    return await tree.stat(similar, context) === undefined ? undefined : similar;
  }
  return undefined;
}
