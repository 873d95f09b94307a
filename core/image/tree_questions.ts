import type { Call } from "../contract/call.ts";
import type { LayerEntry, Tree } from "../contract/layer.ts";
import type { TreeAnswer } from "./build_record.ts";

/** A question to a tree. */
export type TreeQuestion = Pick<TreeAnswer, "method" | "path" | "below">;

/** Asks a tree, and gives the answer as JSON text. Rejects as the tree does. */
export async function askTree(tree: Tree, { method, path, below }: TreeQuestion, call: Call): Promise<string> {
  switch (method) {
    case "digest":
      return answerOf(await tree.digest(path, below.length === 0 ? {} : { exclude: below }, call));
    case "stat":
    case "lstat":
      return entryAnswer(await tree[method](path, call));
    case "resolve":
    case "list":
      return answerOf(await tree[method](path, call));
  }
}

/** An answer as text. */
export function answerOf(answer: string | readonly string[]): string {
  return JSON.stringify(answer);
}

/** What an entry says without being opened, as text; times are left out, as they decide nothing. */
export function entryAnswer(entry: LayerEntry | undefined): string {
  if (entry === undefined) return "null";
  const { path, type } = entry;
  if (type === "whiteout" || type === "opaque") return JSON.stringify({ path, type });
  const { mode, uid, gid } = entry;
  const own = { path, type, mode, uid, gid };
  if (type === "file") return JSON.stringify({ ...own, size: entry.size });
  if (type === "symlink" || type === "hardlink") return JSON.stringify({ ...own, target: entry.target });
  if (type === "char" || type === "block") return JSON.stringify({ ...own, device: [entry.major, entry.minor] });
  if (type === "fifo") return JSON.stringify(own);
  const xattrs = Object.entries(entry.xattrs ?? {}).map(([name, value]) => [name, value.toHex()]);
  return JSON.stringify({ ...own, xattrs });
}
