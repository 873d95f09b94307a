import type { Dockerfile, Instruction } from "./ast.ts";
import type { Checks } from "./checks.ts";

type From = Extract<Instruction, { readonly kind: "from" }>;

const reservedNames = new Set(["scratch", "context"]);

/** Reports what is doubtful in a file by its text alone, whatever is built of it. */
export function checkFile(file: Dockerfile, checks: Checks): void {
  for (const { rule, at } of file.warnings) {
    if (rule === "NoEmptyContinuation") checks.report(rule, at, "An empty line stands inside a continued instruction");
  }
  for (const argument of file.globalArgs) checkDescription(argument, checks);
  checkStageNames(file, checks);
  checkCasing(file.stages.flat(), checks);
  for (const instruction of file.stages.flat()) {
    checkDescription(instruction, checks);
    if (instruction.kind === "maintainer") {
      const message = "MAINTAINER is deprecated, a label such as org.opencontainers.image.authors names the author";
      checks.scopedTo(instruction.comments).report("MaintainerDeprecated", instruction.at, message);
    }
  }
}

function checkStageNames(file: Dockerfile, checks: Checks): void {
  const seen = new Set<string>();
  for (const [from] of file.stages) {
    if (from?.kind !== "from" || from.name === undefined) continue;
    const scoped = checks.scopedTo(from.comments);
    checkNameCasing(from, scoped);
    if (reservedNames.has(from.name)) {
      scoped.report("ReservedStageName", from.at, `Stage name "${from.name}" has a meaning of its own`);
    }
    if (seen.has(from.name)) {
      scoped.report("DuplicateStageName", from.at, `Stage name "${from.name}" is that of an earlier stage`);
    }
    seen.add(from.name);
  }
}

function checkNameCasing(from: From, checks: Checks): void {
  const { rawName = "", asKeyword = "", keyword } = from;
  if (rawName !== rawName.toLowerCase()) {
    checks.report("StageNameCasing", from.at, `Stage name "${rawName}" is not in lower case`);
  }
  const isLower = keyword === keyword.toLowerCase();
  const isUpper = keyword === keyword.toUpperCase();
  if (!isLower && !isUpper) return;
  if (asKeyword !== (isLower ? asKeyword.toLowerCase() : asKeyword.toUpperCase())) {
    checks.report("FromAsCasing", from.at, `"${asKeyword}" and "${keyword}" are not in the same case`);
  }
}

function checkCasing(instructions: readonly Instruction[], checks: Checks): void {
  const lower = instructions.filter(({ keyword }) => keyword === keyword.toLowerCase()).length;
  const upper = instructions.filter(({ keyword }) => keyword === keyword.toUpperCase()).length;
  const isLower = lower > upper;
  for (const { keyword, at, comments } of instructions) {
    if (keyword === (isLower ? keyword.toLowerCase() : keyword.toUpperCase())) continue;
    const message = `Instruction "${keyword}" is not in ${isLower ? "lower" : "upper"} case as most others are`;
    checks.scopedTo(comments).report("ConsistentInstructionCasing", at, message);
  }
}

function checkDescription(instruction: Instruction, checks: Checks): void {
  const names = describedNames(instruction);
  const last = instruction.comments.findLast((comment) => !/^\s*check\s*=/i.test(comment));
  const [first] = names;
  if (last === undefined || first === undefined || names.includes(last.trim().split(" ")[0] ?? "")) return;
  const name = names.length > 1 ? "one of its arguments" : `"${first} "`;
  const message = `The comment above ${instruction.keyword.toUpperCase()} does not start with ${name}`;
  checks.scopedTo(instruction.comments).report("InvalidDefinitionDescription", instruction.at, message);
}

function describedNames(instruction: Instruction): readonly string[] {
  if (instruction.kind === "arg") return instruction.pairs.map((pair) => pair.key);
  return instruction.kind === "from" && instruction.name !== undefined ? [instruction.name] : [];
}

/** What a comment above an instruction says about a name: the rest of the line that starts with it. */
export function describe(instruction: Instruction, name: string): string | undefined {
  const prefix = `${name} `;
  const comment = instruction.comments.map((line) => line.trim()).find((line) => line.startsWith(prefix));
  return comment?.slice(prefix.length).trim();
}
