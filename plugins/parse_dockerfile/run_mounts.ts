import type { Json, NodeId } from "../../core/contract/mod.ts";
import type { RunMountFlag } from "./ast.ts";
import { readBoolean } from "./check_option.ts";
import { quote } from "./fault.ts";
import { ownValue } from "./globals.ts";
import { expand, fail, type Lowering, type LoweringOf } from "./lowering.ts";
import { baseName, cleanAbsolute, joinAbsolute, treePath } from "./path_text.ts";
import { checkMount, mountKey, readByteSize } from "./run_mount.ts";
import { openSource } from "./source_node.ts";

/** What a command gets besides the filesystem, ready for the operation. */
export interface Mounts {
  readonly mounts: readonly Json[];
  /** Id and sharing of each cache mount, in order: which directory serves does not decide the result. */
  readonly caches: readonly Json[];
  /** Nodes that bind and cache mounts read; a mount's `input` counts from 1 in them. */
  readonly inputs: readonly NodeId[];
}

/** Resolves the mounts of a RUN: variables replaced, defaults put in, sources opened. Throws `PARSE_FAILED`. */
export async function resolveMounts(lowering: LoweringOf<"run">): Promise<Mounts> {
  const mounts: Json[] = [];
  const caches: Json[] = [];
  const inputs: NodeId[] = [];
  let agents = 0;
  for (const flag of lowering.instruction.mounts) {
    const options = readOptions(flag, lowering);
    switch (options.get("type")) {
      case "secret":
        mounts.push(secretMount(options, lowering));
        break;
      case "ssh":
        mounts.push(sshMount(options, agents, lowering));
        if ((options.get("target") ?? "") === "") agents++;
        break;
      case "tmpfs":
        mounts.push(tmpfsMount(options, lowering));
        break;
      case "cache":
        caches.push(cacheOf(options, lowering));
        mounts.push(await cacheMount(options, inputs, lowering));
        break;
      default:
        mounts.push(await bindMount(options, inputs, lowering));
    }
  }
  return { mounts, caches, inputs };
}

type Options = ReadonlyMap<string, string>;

/** Options by full name; switches without a value are `true`. */
function readOptions(flag: RunMountFlag, lowering: LoweringOf<"run">): Options {
  const expanded = flag.options.map(({ key, value }) =>
    value === undefined
      ? { key, isFinal: true }
      : { key, value: key === "from" ? value : expand(value, lowering), isFinal: true }
  );
  const problem = checkMount(expanded);
  if (problem !== undefined) throw fail(`Cannot read flag "--mount" of RUN: ${problem.state}`, lowering, problem.hint);
  const options = new Map([["type", "bind"]]);
  for (const { key, value } of expanded) {
    const name = mountKey(key);
    if (name === "readwrite") options.set("readonly", readBoolean(value ?? "true") === true ? "false" : "true");
    else options.set(name, name === "type" || name === "sharing" ? (value ?? "").toLowerCase() : value ?? "true");
  }
  return options;
}

function targetOf(options: Options, lowering: Lowering): string {
  const given = options.get("target") ?? "";
  const target = joinAbsolute(lowering.state.config.WorkingDir ?? "/", given);
  if (target === "/") {
    throw fail(`Cannot mount at ${quote(given)}: that is the root`, lowering, "Give the mount a target below /");
  }
  return target;
}

function numberOf(options: Options, name: "uid" | "gid" | "mode", initial: number): number {
  const text = options.get(name);
  return text === undefined ? initial : Number.parseInt(text, name === "mode" ? 8 : 10);
}

function owned(options: Options, mode: number): { readonly uid: number; readonly gid: number; readonly mode: number } {
  return {
    uid: numberOf(options, "uid", 0),
    gid: numberOf(options, "gid", 0),
    mode: numberOf(options, "mode", mode),
  };
}

function isTrue(options: Options, name: string, initial: boolean): boolean {
  const text = options.get(name);
  return text === undefined ? initial : readBoolean(text) === true;
}

async function bindMount(options: Options, inputs: NodeId[], lowering: Lowering): Promise<Json> {
  const input = inputs.push(await openSource(options.get("from") ?? "", lowering));
  return {
    type: "bind",
    target: targetOf(options, lowering),
    input,
    source: treePath(options.get("source") ?? ""),
    readonly: isTrue(options, "readonly", true),
  };
}

async function cacheMount(options: Options, inputs: NodeId[], lowering: Lowering): Promise<Json> {
  const from = options.get("from") ?? "";
  const input = from === "" ? null : inputs.push(await openSource(from, lowering));
  return {
    type: "cache",
    target: targetOf(options, lowering),
    readonly: isTrue(options, "readonly", false),
    input,
    source: treePath(options.get("source") ?? ""),
    ...owned(options, 0o755),
  };
}

function cacheOf(options: Options, lowering: Lowering): Json {
  const space = ownValue(lowering.session.context.args, "BUILDKIT_CACHE_MOUNT_NS") ?? "";
  const named = options.get("id") ?? "";
  const id = named !== "" ? named : cleanTarget(options.get("target") ?? "");
  lowering.facts.cacheMounts.add(id);
  return { id: space === "" ? id : `${space}/${id}`, sharing: options.get("sharing") ?? "shared" };
}

/** A cache without an id is known by its target as written, cleaned. */
function cleanTarget(target: string): string {
  const cleaned = cleanAbsolute(target);
  return target.startsWith("/") ? cleaned : cleaned === "/" ? "." : cleaned.slice(1);
}

function tmpfsMount(options: Options, lowering: Lowering): Json {
  if ((options.get("from") ?? "") !== "" || (options.get("source") ?? "") !== "") {
    throw fail('Cannot read flag "--mount" of RUN: a tmpfs starts empty, it takes neither from nor source', lowering);
  }
  const size = options.get("size");
  return {
    type: "tmpfs",
    target: targetOf(options, lowering),
    size: size === undefined ? null : readByteSize(size) ?? null,
    readonly: isTrue(options, "readonly", false),
  };
}

function secretMount(options: Options, lowering: Lowering): Json {
  const target = options.get("target") ?? "";
  const named = options.get("source") ?? options.get("id") ?? "";
  const id = named !== "" ? named : baseName(target);
  const variable = options.get("env");
  const isRequired = isTrue(options, "required", false);
  noteMount(lowering.facts.secrets, id, { isRequired, lowering });
  const path = target !== "" ? target : variable === undefined ? `/run/secrets/${baseName(id)}` : undefined;
  return {
    type: "secret",
    id,
    target: path === undefined ? null : joinAbsolute(lowering.state.config.WorkingDir ?? "/", path),
    env: variable === undefined ? null : variable === "" ? id : variable,
    required: isRequired,
    ...owned(options, 0o400),
  };
}

function sshMount(options: Options, index: number, lowering: Lowering): Json {
  if ((options.get("source") ?? "") !== "" || (options.get("from") ?? "") !== "") {
    throw fail('Cannot read flag "--mount" of RUN: an ssh mount takes neither from nor source', lowering);
  }
  const named = options.get("id") ?? "";
  const id = named === "" ? "default" : named;
  const target = options.get("target") ?? "";
  const isRequired = isTrue(options, "required", false);
  noteMount(lowering.facts.ssh, id, { isRequired, lowering });
  return {
    type: "ssh",
    id,
    target: target === ""
      ? `/run/buildkit/ssh_agent.${index}`
      : joinAbsolute(lowering.state.config.WorkingDir ?? "/", target),
    required: isRequired,
    ...owned(options, 0o600),
  };
}

function noteMount(
  facts: Map<string, { readonly required: boolean; readonly at: Lowering["instruction"]["at"] }>,
  id: string,
  use: { readonly isRequired: boolean; readonly lowering: Lowering },
): void {
  if (!facts.has(id)) facts.set(id, { required: use.isRequired, at: use.lowering.instruction.at });
}
