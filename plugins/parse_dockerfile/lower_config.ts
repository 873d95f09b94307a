import type { ExecConfig, Healthcheck } from "../../core/contract/mod.ts";
import type { CommandLine, Instruction } from "./ast.ts";
import { formatDuration, quoteGoList } from "./go_text.ts";
import { addHistory, expand, expandAll, fail, type Lowering, type LoweringOf } from "./lowering.ts";
import { quote } from "./fault.ts";
import { isSignal } from "./signal.ts";
import type { StageState } from "./stage_state.ts";

const setFirst = "Set the variable in it with ARG or ENV before";

/** Changes the config by an instruction that makes no layer and sets no variable. Throws `PARSE_FAILED`. */
export function lowerConfig(lowering: Lowering): void {
  const { instruction } = lowering;
  switch (instruction.kind) {
    case "label":
      return lowerLabel({ ...lowering, instruction: { ...instruction, kind: "label" } });
    case "cmd":
      return lowerCommand({ ...lowering, instruction: { ...instruction, kind: "cmd" } });
    case "entrypoint":
      return lowerEntrypoint({ ...lowering, instruction: { ...instruction, kind: "entrypoint" } });
    case "healthcheck":
      return lowerHealthcheck({ ...lowering, instruction });
    case "user":
      return lowerUser({ ...lowering, instruction });
    case "volume":
      return lowerVolume({ ...lowering, instruction });
    case "stopsignal":
      return lowerStopSignal({ ...lowering, instruction });
    case "shell":
      set({ Shell: instruction.args }, lowering);
      return addHistory(`SHELL [${instruction.args.join(" ")}]`, lowering);
    case "maintainer":
      lowering.state.author = instruction.author;
      return addHistory(`MAINTAINER ${instruction.author}`, lowering);
    case "onbuild":
      return set({ OnBuild: [...lowering.state.config.OnBuild ?? [], instruction.trigger] }, lowering);
  }
}

function set(change: Partial<ExecConfig>, lowering: Lowering): void {
  lowering.state.config = { ...lowering.state.config, ...change };
}

function drop(name: keyof ExecConfig, lowering: Lowering): void {
  const { [name]: _dropped, ...rest } = lowering.state.config;
  lowering.state.config = rest;
}

function lowerLabel(lowering: LoweringOf<"label">): void {
  const pairs = expandPairs(lowering);
  for (const [name, value] of pairs) lowering.state.labels.set(name, value);
  addHistory(`LABEL ${pairs.map((pair) => pair.join("=")).join(" ")}`, lowering);
}

/** Names and values of ENV and LABEL, all expanded against the values before the instruction. Throws `PARSE_FAILED`. */
export function expandPairs(lowering: LoweringOf<"env"> | LoweringOf<"label">): readonly [string, string][] {
  const { instruction, checks } = lowering;
  const keyword = instruction.keyword.toUpperCase();
  if (instruction.legacy) {
    const message = `"${keyword} key value" is the old form of "${keyword} key=value"`;
    checks.report("LegacyKeyValueFormat", instruction.at, message);
  }
  return instruction.pairs.map(({ key, value = "" }) => {
    const [name = "", text = ""] = expandAll([key, value], lowering);
    if (name === "") {
      const message = `Cannot set ${quote(key)}: its name is empty after variables were put in`;
      throw fail(message, lowering, setFirst);
    }
    return [name, text];
  });
}

/** A command line as it is stored: in shell form behind the shell in force. */
export function commandArgs(command: CommandLine, state: StageState): readonly string[] {
  if (command.form === "exec") return command.args;
  const shell = state.config.Shell ?? [];
  if (shell.length > 0) return [...shell, command.text];
  return [...(state.platform.os === "windows" ? ["cmd", "/S", "/C"] : ["/bin/sh", "-c"]), command.text];
}

function lowerCommand(lowering: LoweringOf<"cmd">): void {
  const { instruction, state } = lowering;
  checkRepeated("cmd", lowering);
  checkForm(instruction.command, lowering);
  const args = commandArgs(instruction.command, state);
  set({ Cmd: args }, lowering);
  addHistory(`CMD ${quoteGoList(args)}`, lowering);
}

function lowerEntrypoint(lowering: LoweringOf<"entrypoint">): void {
  const { instruction, state } = lowering;
  checkRepeated("entrypoint", lowering);
  checkForm(instruction.command, lowering);
  const args = commandArgs(instruction.command, state);
  if (args.length > 0) set({ Entrypoint: args }, lowering);
  else drop("Entrypoint", lowering);
  // A command of the base image belongs to the base image's entrypoint.
  if (!state.last.has("cmd")) drop("Cmd", lowering);
  addHistory(`ENTRYPOINT ${quoteGoList(args)}`, lowering);
}

function checkForm(command: CommandLine, lowering: Lowering): void {
  const { instruction, state, checks } = lowering;
  if (command.form === "exec" || (state.config.Shell ?? []).length > 0) return;
  const keyword = instruction.keyword.toUpperCase();
  const message = `${keyword} is not a JSON array, so signals reach the shell and not the program`;
  checks.report("JSONArgsRecommended", instruction.at, message);
}

function checkRepeated(kind: "cmd" | "entrypoint" | "healthcheck", lowering: Lowering): void {
  const { instruction, state, checks } = lowering;
  const earlier = state.last.get(kind);
  if (earlier !== undefined) {
    const message = `This ${kind.toUpperCase()} has no effect, because the stage has another one below it`;
    checks.report("MultipleInstructionsDisallowed", earlier, message);
  }
  state.last.set(kind, instruction.at);
}

function lowerHealthcheck(lowering: LoweringOf<"healthcheck">): void {
  checkRepeated("healthcheck", lowering);
  const healthcheck = readHealthcheck(lowering.instruction);
  set({ Healthcheck: healthcheck }, lowering);
  addHistory(`HEALTHCHECK ${describeHealthcheck(healthcheck)}`, lowering);
}

function readHealthcheck(instruction: Extract<Instruction, { readonly kind: "healthcheck" }>): Healthcheck {
  const { probe } = instruction;
  if (probe === undefined) return { Test: ["NONE"] };
  const { command } = probe;
  const given = (name: keyof Healthcheck, value: number | undefined): Healthcheck =>
    value === undefined || value === 0 ? {} : { [name]: value };
  return {
    Test: command.form === "exec" ? ["CMD", ...command.args] : ["CMD-SHELL", command.text],
    ...given("Interval", probe.interval),
    ...given("Timeout", probe.timeout),
    ...given("StartPeriod", probe.startPeriod),
    ...given("StartInterval", probe.startInterval),
    ...given("Retries", probe.retries),
  };
}

function describeHealthcheck(check: Healthcheck): string {
  const { Test = [], Interval = 0, Timeout = 0, StartPeriod = 0, StartInterval = 0, Retries = 0 } = check;
  const times = { Interval, Timeout, StartPeriod, StartInterval };
  const shown = Object.entries(times).map(([name, value]) => `${name}:${formatDuration(value)}`).join(" ");
  return `{Test:[${Test.join(" ")}] ${shown} Retries:${Retries}}`;
}

function lowerUser(lowering: LoweringOf<"user">): void {
  const user = expand(lowering.instruction.user, lowering);
  set({ User: user }, lowering);
  addHistory(`USER ${user}`, lowering);
}

function lowerVolume(lowering: LoweringOf<"volume">): void {
  const paths = expandAll(lowering.instruction.paths, lowering);
  for (const [i, path] of paths.entries()) {
    const written = lowering.instruction.paths[i] ?? "";
    if (path === "") throw fail(`Cannot make volume ${quote(written)}: its path is empty`, lowering, setFirst);
  }
  const volumes = Object.fromEntries(paths.map((path) => [path, {}]));
  set({ Volumes: { ...lowering.state.config.Volumes, ...volumes } }, lowering);
  addHistory(`VOLUME [${paths.join(" ")}]`, lowering);
}

function lowerStopSignal(lowering: LoweringOf<"stopsignal">): void {
  const signal = expand(lowering.instruction.signal, lowering);
  if (!isSignal(signal)) {
    const hint = "Write a number or a name such as SIGTERM, SIGINT or SIGRTMIN+3";
    throw fail(`Cannot use stop signal ${quote(signal)}: no such signal`, lowering, hint);
  }
  set({ StopSignal: signal }, lowering);
  addHistory(`STOPSIGNAL ${signal}`, lowering);
}
