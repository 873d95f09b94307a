import type { Json, NodeId } from "../../core/contract/mod.ts";
import type { Instruction } from "./ast.ts";
import { checkIgnored } from "./check_ignored.ts";
import { quote } from "./fault.ts";
import { isFileMode } from "./file_mode.ts";
import { addLayer, expand, expandAll, expandBody, fail, type Lowering, type LoweringOf } from "./lowering.ts";
import { joinAbsolute, treePath } from "./path_text.ts";
import { redactUrls } from "./redact.ts";
import { isRemote, openRemote } from "./remote_source.ts";
import { openMainContext, openSource } from "./source_node.ts";

type CopyLowering = Lowering<Extract<Instruction, { readonly kind: "copy" | "add" }>>;

/** What the flags and the destination come to. */
interface CopyPlan {
  readonly sources: readonly string[];
  readonly dest: string;
  /** Destination as history shows it. */
  readonly destText: string;
  readonly chown: string | null;
  readonly chmod: string | null;
  readonly checksum: string | undefined;
  readonly extract: "never" | "auto" | "always";
}

/** Puts the files of a COPY or ADD on the stage. Throws `PARSE_FAILED`, and `NOT_FOUND` for an image that is nowhere. */
export async function lowerCopy(lowering: LoweringOf<"copy"> | LoweringOf<"add">): Promise<void> {
  const { instruction } = lowering;
  const plan = readPlan(lowering);
  const { sources, inputs } = await openSources(plan, lowering);
  const isParents = instruction.kind === "copy" && instruction.parents;
  const args = {
    sources: [...sources, ...heredocSources(lowering)],
    dest: plan.dest,
    chown: plan.chown,
    chmod: plan.chmod,
    parents: isParents,
    exclude: instruction.exclude,
    extract: plan.sources.length > 0 && plan.sources.every(isRemote) && plan.extract === "auto"
      ? "never"
      : plan.extract,
    strict: !isParents,
  };
  addLayer({
    op: { kind: "copy", args },
    inputs,
    isLinked: instruction.link && plan.chmod === null && isNumericOwner(plan.chown),
    createdBy: redactUrls(describeCopy(plan, lowering)),
    name: redactUrls(instruction.original),
  }, lowering);
}

function readPlan(lowering: CopyLowering): CopyPlan {
  const { instruction, state } = lowering;
  const chown = expand(instruction.chown ?? "", lowering);
  const chmod = expand(instruction.chmod ?? "", lowering);
  const checksum = instruction.kind === "add" ? expand(instruction.checksum ?? "", lowering) : "";
  const sources = expandAll(instruction.sources, lowering);
  const destText = expand(instruction.dest, lowering);
  if (chmod !== "" && !isFileMode(chmod)) {
    const hint = "Write an octal mode up to 7777 or a symbolic one such as u=rwX,go=rX";
    throw fail(`Cannot use mode ${quote(chmod)}: neither octal nor symbolic`, lowering, hint);
  }
  const isFolder = destText === "" || destText === "." || destText.endsWith("/") || destText.endsWith("/.");
  const joined = joinAbsolute(state.config.WorkingDir ?? "/", destText);
  const plan = {
    sources,
    dest: isFolder && joined !== "/" ? `${joined}/` : joined,
    destText,
    chown: chown === "" ? null : chown,
    chmod: chmod === "" ? null : chmod,
    checksum: checksum === "" ? undefined : checksum,
    extract: extractOf(instruction),
  } as const;
  checkPlan(plan, lowering);
  return plan;
}

function extractOf(instruction: CopyLowering["instruction"]): CopyPlan["extract"] {
  if (instruction.kind === "copy" || instruction.unpack === false) return "never";
  return instruction.unpack === true ? "always" : "auto";
}

function checkPlan(plan: CopyPlan, lowering: CopyLowering): void {
  const { instruction } = lowering;
  const count = plan.sources.length + instruction.heredocs.length;
  if (count > 1 && !plan.dest.endsWith("/")) {
    const message = `Cannot copy several sources to ${
      quote(plan.destText)
    }: a file name, expected a directory ending in /`;
    throw fail(message, lowering, `Write ${plan.destText}/`);
  }
  if (plan.checksum === undefined) return;
  const [only, ...more] = plan.sources;
  if (only === undefined || more.length > 0 || instruction.heredocs.length > 0 || !isRemote(only)) {
    const message = `Cannot use checksum ${quote(plan.checksum)}: expected a single URL or repository as source`;
    throw fail(message, lowering, "Give what the checksum is of an ADD of its own");
  }
}

interface OpenedSources {
  readonly sources: readonly Json[];
  /** Nodes that the sources are read from; a source's `input` counts from 1 in them. */
  readonly inputs: readonly NodeId[];
}

async function openSources(plan: CopyPlan, lowering: CopyLowering): Promise<OpenedSources> {
  const { instruction } = lowering;
  const from = instruction.kind === "copy" ? instruction.from ?? "" : "";
  checkFrom(from, lowering);
  const sources: Json[] = [];
  const inputs: NodeId[] = [];
  const inputOf = (node: NodeId): number => inputs.includes(node) ? inputs.indexOf(node) + 1 : inputs.push(node);
  for (const text of plan.sources) {
    if (isRemote(text)) {
      sources.push(remoteSource(text, { plan, inputOf, lowering }));
      continue;
    }
    const node = from === "" ? await openMainContext(lowering.session) : await openSource(from, lowering);
    if (from === "") await checkIgnored(text, lowering);
    sources.push({ input: inputOf(node), ...localSource(text, lowering) });
  }
  return { sources, inputs };
}

function checkFrom(from: string, lowering: CopyLowering): void {
  if (!/\$[\p{L}_{]/u.test(from)) return;
  const hint = "Name the image in a FROM of its own, which can use a global ARG, and copy from that stage";
  throw fail(`Cannot copy from ${quote(from)}: variables are not replaced in --from`, lowering, hint);
}

function remoteSource(
  text: string,
  use: { readonly plan: CopyPlan; readonly inputOf: (node: NodeId) => number; readonly lowering: CopyLowering },
): Json {
  const { plan, inputOf, lowering } = use;
  const { instruction } = lowering;
  if (instruction.kind !== "add") {
    const message = `Cannot copy ${quote(text)}: COPY takes no URL and no repository`;
    throw fail(message, lowering, "Write ADD instead of COPY");
  }
  const source = openRemote(text, {
    checksum: plan.checksum,
    keepGitDir: instruction.keepGitDir,
    isIntoFolder: plan.dest.endsWith("/"),
  }, lowering);
  // Beside a local source that is unpacked, a download is not.
  const extract = plan.extract === "auto" && !plan.sources.every(isRemote) ? { extract: "never" } : {};
  return { input: inputOf(source.node), path: source.path, pattern: false, ...extract };
}

function localSource(text: string, lowering: CopyLowering): { readonly path: string; readonly pattern: boolean } {
  const { instruction } = lowering;
  const pattern = hasWildcard(text);
  const pivot = instruction.kind === "copy" && instruction.parents ? text.indexOf("/./") : -1;
  const folder = treePath(pivot < 0 ? "" : text.slice(0, pivot));
  if (folder === ".") return { path: treePath(text), pattern };
  return { path: `${folder}/./${treePath(text.slice(pivot + 3))}`, pattern };
}

/** Whether a source is matched and not looked up: a backslash takes the meaning of the next character away. */
function hasWildcard(text: string): boolean {
  return /[*?[]/.test(text.replace(/\\./gs, ""));
}

function heredocSources(lowering: CopyLowering): readonly Json[] {
  return lowering.instruction.heredocs.map(({ name, text, expand: isExpanded }) => {
    if (name === "." || name === ".." || name.includes("/")) {
      const message = `Cannot make file ${quote(name)} of a heredoc: expected a name without slashes`;
      throw fail(message, lowering, "Name the folder in the destination");
    }
    return { name, text: isExpanded ? expandBody(text, lowering) : text };
  });
}

function isNumericOwner(chown: string | null): boolean {
  return chown === null || /^\d+(?::\d+)?$/.test(chown);
}

function describeCopy(plan: CopyPlan, lowering: CopyLowering): string {
  const { instruction } = lowering;
  return [
    instruction.kind.toUpperCase(),
    ...(instruction.kind === "copy" && instruction.parents ? ["--parents"] : []),
    ...(plan.chown === null ? [] : [`--chown=${plan.chown}`]),
    ...(plan.chmod === null ? [] : [`--chmod=${plan.chmod}`]),
    ...plan.sources,
    ...instruction.heredocs.map(({ name }) => `<<${name}`),
    plan.destText,
  ].join(" ");
}
