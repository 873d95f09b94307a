import type { BuildGraph, BuildNode } from "../contract/parse.ts";
import { type Check, checkDescriptor, isCount, isObject, show } from "./check.ts";

/** Checks one entry of a layer: type, path, metadata. Called for every file of a build, so it is quick. */
export const checkLayerEntry: Check<unknown> = (entry) => {
  if (!isObject(entry)) return "it gave no layer entry";
  const { type, path, mode, mtime } = entry;
  if (!isCleanPath(path)) return `it gave an entry with the path ${show(path)}`;
  if (type === "whiteout" || type === "opaque") return undefined;
  if (path === "." && type !== "directory") return `it gave a ${show(type)} in place of the root`;
  if (!isCount(mode) || Number(mode) > 0o7777) return fault(entry, "mode");
  if (!isCount(entry.uid)) return fault(entry, "uid");
  if (!isCount(entry.gid)) return fault(entry, "gid");
  return Number.isFinite(mtime) ? checkByType(entry) : fault(entry, "mtime");
};

function checkByType(entry: Readonly<Record<string, unknown>>): string | undefined {
  switch (entry.type) {
    case "file":
      return checkFile(entry);
    case "directory":
    case "fifo":
      return undefined;
    case "symlink":
      return typeof entry.target === "string" && entry.target !== "" ? undefined : fault(entry, "target");
    case "hardlink":
      return isCleanPath(entry.target) ? undefined : fault(entry, "target");
    case "char":
    case "block":
      if (!isCount(entry.major)) return fault(entry, "major");
      return isCount(entry.minor) ? undefined : fault(entry, "minor");
    default:
      return fault(entry, "type");
  }
}

function checkFile(entry: Readonly<Record<string, unknown>>): string | undefined {
  const { size, content } = entry;
  if (!isCount(size)) return fault(entry, "size");
  if (typeof content === "function") return undefined;
  if (!(content instanceof Uint8Array)) return `it gave the file ${show(entry.path)} without content`;
  return content.length === size ? undefined : fault(entry, "size");
}

/** Whether a path is relative, slash-separated and normalized: no empty, `.` or `..` parts, no NUL; `.` alone is the root. */
function isCleanPath(path: unknown): boolean {
  if (typeof path !== "string" || path === "") return false;
  if (path === ".") return true;
  if (path.startsWith("/") || path.endsWith("/") || path.includes("//") || path.includes("\0")) return false;
  // Few names start with a dot, and those are looked at closely.
  return !(path.startsWith(".") || path.includes("/.")) || !/(?:^|\/)\.\.?(?:\/|$)/.test(path);
}

/** Checks a build graph: known node types, ids that refer back, a result, and history that matches the layers. */
export const checkGraph: Check<BuildGraph> = (graph) => {
  const fields: unknown = graph;
  if (!isObject(fields)) return "it gave no build graph";
  const { nodes, result, platform, config, history, instructions } = fields;
  if (!Array.isArray(nodes)) return "it gave a build graph without nodes";
  for (const [id, node] of nodes.entries()) {
    const state = checkNode(node, id);
    if (state !== undefined) return `it gave a build graph whose node ${id} ${state}`;
  }
  if (!isId(result, nodes.length)) return `it gave a build graph whose result is node ${show(result)}`;
  if (!isObject(platform) || typeof platform.os !== "string" || typeof platform.architecture !== "string") {
    return "it gave a build graph without a platform";
  }
  if (!isObject(config)) return "it gave a build graph without a config";
  if (!Array.isArray(history) || !history.every((step) => isObject(step) && typeof step.createdBy === "string")) {
    return "it gave a build graph without history";
  }
  if (instructions !== undefined && !areInstructions(instructions, nodes.length)) {
    return "it gave a build graph whose instructions are none";
  }
  const steps = graph.history.filter((step) => step.emptyLayer !== true).length;
  const layers = countLayers(graph);
  return steps === layers ? undefined : `it gave a build graph with ${layers} layers and history for ${steps}`;
};

function areInstructions(value: unknown, nodes: number): boolean {
  return Array.isArray(value) &&
    value.every((each) =>
      isObject(each) && typeof each.text === "string" && Array.isArray(each.nodes) &&
      each.nodes.every((id) => isId(id, nodes))
    );
}

function checkNode(node: unknown, id: number): string | undefined {
  if (!isObject(node)) return "is no object";
  switch (node.type) {
    case "scratch":
      return undefined;
    case "image":
      if (typeof node.reference !== "string") return "is an image without a reference";
      return checkDescriptor(node.descriptor) === undefined ? undefined : "is an image that is not pinned";
    case "context":
      return typeof node.name === "string" && isStrings(node.exclude) ? undefined : "is a context without a name";
    case "git":
      return typeof node.url === "string" ? undefined : "is a repository without a URL";
    case "layer":
      return checkLayerNode(node, id);
    default:
      return "has an unknown type";
  }
}

function checkLayerNode(node: Readonly<Record<string, unknown>>, id: number): string | undefined {
  const { op, inputs, onto } = node;
  if (!isObject(op) || typeof op.kind !== "string" || op.kind === "") return "has no operation";
  if (!isObject(op.args) || Array.isArray(op.args)) return "has an operation without arguments";
  if (!Array.isArray(inputs) || inputs.length === 0) return "has no inputs";
  const wrong = [...inputs, ...(onto === undefined ? [] : [onto])].find((input) => !isId(input, id));
  if (wrong !== undefined) return `depends on node ${show(wrong)}, which does not come before it`;
  return typeof node.name === "string" ? undefined : "has no name";
}

/** How many layer nodes lie between the result and its base. */
function countLayers({ nodes, result }: BuildGraph): number {
  let count = 0;
  let node: BuildNode | undefined = nodes[result];
  while (node?.type === "layer") {
    count++;
    node = nodes[node.onto ?? node.inputs[0] ?? -1];
  }
  return count;
}

function fault(entry: Readonly<Record<string, unknown>>, field: string): string {
  return `it gave the entry ${show(entry.path)} with the ${field} ${show(entry[field])}`;
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isId(value: unknown, end: number): boolean {
  return isCount(value) && Number(value) < end;
}
