import type { Json } from "../../core/contract/mod.ts";
import type { Heredoc } from "./ast.ts";
import { readBoolean } from "./check_option.ts";
import { readCsv } from "./csv.ts";
import { quote } from "./fault.ts";
import { ownValue } from "./globals.ts";
import { commandArgs } from "./lower_config.ts";
import { addLayer, expand, fail, hiddenArgs, lookUp, type LoweringOf } from "./lowering.ts";
import { joinAbsolute } from "./path_text.ts";
import { resolveMounts } from "./run_mounts.ts";
import type { StageState } from "./stage_state.ts";

/** Puts a command on the stage, with everything that it needs to know. Throws `PARSE_FAILED`. */
export async function lowerRun(lowering: LoweringOf<"run">): Promise<void> {
  const { instruction, state, session } = lowering;
  const command = readCommand(lowering);
  const { mounts, caches, inputs } = await resolveMounts(lowering);
  const hostname = ownValue(session.context.args, "BUILDKIT_SANDBOX_HOSTNAME") ?? "";
  const args = {
    args: command.args,
    env: environmentOf(state),
    cwd: joinAbsolute("/", state.config.WorkingDir ?? ""),
    user: state.config.User ?? "",
    network: readMode("network", ["default", "none", "host"], lowering),
    security: readMode("security", ["sandbox", "insecure"], lowering),
    hostname: hostname === "" ? null : hostname,
    devices: instruction.devices.map((device) => readDevice(device, lowering)),
    mounts,
    files: command.files,
  };
  addLayer({
    op: { kind: "run", args, unkeyed: { caches, env: proxiesOf(lowering) } },
    inputs,
    isLinked: false,
    createdBy: `RUN ${[...argHistory(state), ...command.args].join(" ")}`,
    name: instruction.original + summarize(instruction.heredocs),
  }, lowering);
}

interface Command {
  readonly args: readonly string[];
  /** Scripts that are put in place before the command starts. */
  readonly files: readonly Json[];
}

/** A sole heredoc is the script itself; others are handed to the shell as they stand. They are never expanded here. */
function readCommand(lowering: LoweringOf<"run">): Command {
  const { instruction, state } = lowering;
  const { command, heredocs } = instruction;
  const [first] = heredocs;
  if (command.form === "exec" || first === undefined) return { args: commandArgs(command, state), files: [] };
  const wrap = (text: string): readonly string[] => commandArgs({ form: "shell", text }, state);
  if (!isHeredocAlone(command.text)) {
    const bodies = heredocs.map(({ text, name }) => `\n${text}${name}`);
    return { args: wrap(command.text + bodies.join("")), files: [] };
  }
  if (state.platform.os === "windows" || !first.text.startsWith("#!")) return { args: wrap(first.text), files: [] };
  const path = `/dev/pipes/${first.name}`;
  return { args: wrap(path), files: [{ path, text: first.text, mode: 0o755 }] };
}

function isHeredocAlone(text: string): boolean {
  return /^\d*<<-?\s*(?:"[^"]*"|'[^']*'|[^\s<"']+)\s*$/.test(text.trim());
}

function environmentOf(state: StageState): string[] {
  const own = [...state.env].map(([name, value]) => `${name}=${value}`);
  const args = [...state.args].flatMap(([name, value]) =>
    value === undefined || state.env.has(name) || hiddenArgs.has(name) ? [] : [`${name}=${value}`]
  );
  return [...own, ...args];
}

const proxyNames = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"];

/**
 * Proxies given as build arguments, which commands see without an ARG and which decide nothing; in upper and in lower case, as
 * programs differ in what they look at (BuildKit, `ProxyEnv`).
 */
function proxiesOf({ session, state }: LoweringOf<"run">): string[] {
  return proxyNames.flatMap((lower) => {
    const names = [lower.toUpperCase(), lower];
    const values = names.map((name) => ownValue(session.context.args, name));
    return names.flatMap((name, index) => {
      const value = values[index] ?? values[1 - index];
      return value === undefined || state.args.has(name) || state.env.has(name) ? [] : [`${name}=${value}`];
    });
  });
}

/** `|2 A=1 B=2`: the arguments in force, as they stand before a command in history. */
function argHistory(state: StageState): readonly string[] {
  if (state.args.size === 0) return [];
  const shown = [...state.args].map(([name, value]) => `${name}=${lookUp(state, name) ?? value ?? ""}`);
  return [`|${state.args.size}`, ...shown];
}

function readMode(flag: "network" | "security", known: readonly string[], lowering: LoweringOf<"run">): string {
  const given = lowering.instruction[flag];
  if (given === undefined) return known[0] ?? "";
  const value = expand(given, lowering);
  if (known.includes(value)) return value;
  throw fail(`Cannot read flag "--${flag}" of RUN: value ${quote(value)}, expected ${known.join(" or ")}`, lowering);
}

/** Reads `name[,required]` or `name=…,required=…`. */
function readDevice(text: string, lowering: LoweringOf<"run">): Json {
  let name = "";
  let required = false;
  for (const field of readCsv(text) ?? []) {
    const equals = field.indexOf("=");
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const value = equals < 0 ? undefined : field.slice(equals + 1);
    const flag = key === "required" ? readBoolean(value ?? "true") : undefined;
    if (flag !== undefined) required = flag;
    else if (key === "name" && value !== undefined && name === "") name = value;
    else if (key !== "required" && key !== "name" && name === "") name = field;
    else {throw fail(
        `Cannot read flag "--device" of RUN: option ${quote(field)}, expected a name and required`,
        lowering,
      );}
  }
  if (name === "") throw fail(`Cannot read flag "--device" of RUN: value ${quote(text)} names no device`, lowering);
  return { name, required };
}

/** First line of the first heredoc, for people to tell scripts apart. */
function summarize(heredocs: readonly Heredoc[]): string {
  const lines = heredocs[0]?.text.trim().split(/\r?\n/) ?? [];
  const [first] = lines;
  return first === undefined ? "" : ` (${first}${lines.length > 1 ? "..." : ""})`;
}
