import type { Call, EngineEvent } from "../contract/call.ts";
import type { Engine, EngineOptions } from "../engine.ts";
import { EngineError, isEngineError } from "../errors.ts";
import { readInput } from "./args.ts";
import { paint, printable } from "./color.ts";
import type { Context } from "./command.ts";
import { commands } from "./command_list.ts";
import { findCommand, groupNames } from "./find_command.ts";
import { suggest } from "./suggest.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line needs from the process around it. */
export interface CliHost {
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** A variable of the environment. */
  environment(name: string): string | undefined;
  /** Runs a command line again, in a user namespace; gives its exit code. */
  runInUserNamespace(args: readonly string[]): Promise<number>;
  /** Opens the engine on a store root, undefined for the configured one, with members laid over the config's sections of plugins. */
  openEngine(root: string | undefined, pluginOptions: EngineOptions["pluginOptions"]): Promise<Engine>;
}

/** Runs one command line and gives the exit code. Never throws: errors are shown on standard error. */
export async function runCli(args: readonly string[], host: CliHost): Promise<number> {
  const { terminal } = host;
  try {
    const grace: Grace = { ms: usualGraceMs };
    return await Promise.race([dispatch(args, host, grace), untilGraceEnds(host.signal, grace)]);
  } catch (caught) {
    if (isBrokenPipe(caught)) return brokenPipeCode;
    if (isEngineError(caught) && caught.detail["canEnter"] === true) return await enterUserNamespace(args, host);
    const isCanceled = host.signal.aborted;
    return await showError(isCanceled ? new EngineError("CANCELED", "Canceled", { cause: caught }) : caught, terminal);
  }
}

/** What needs privileges that this user has in a user namespace only was found before anything was done. */
async function enterUserNamespace(args: readonly string[], host: CliHost): Promise<number> {
  try {
    return await host.runInUserNamespace(args);
  } catch (caught) {
    return await showError(caught, host.terminal);
  }
}

/** Exit code when the reader of standard output went away: that of a program which SIGPIPE has ended, as shells show it. */
const brokenPipeCode = 141;

/** Shows an error with code that is loaded when there is one; gives the exit code. */
async function showError(caught: unknown, terminal: Terminal): Promise<number> {
  const [{ formatError, toEngineError }, { exitCodeOf }] = await Promise.all([
    import("./error_text.ts"),
    import("./exit_code.ts"),
  ]);
  const error = toEngineError(caught);
  terminal.err(formatError(error, terminal.hasColor));
  return exitCodeOf(error);
}

/** How long a command that was interrupted may take to undo its work. */
interface Grace {
  /** Milliseconds; the command may change them. */
  ms: number;
}

const usualGraceMs = 5000;

/**
 * Rejects some time after the signal has aborted; never resolves. A command may wait for what cannot be called back, such as the
 * other end of a named pipe; the process then ends without it.
 */
function untilGraceEnds(signal: AbortSignal, grace: Grace): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const startTimer = (): void => Deno.unrefTimer(setTimeout(() => reject(signal.reason), grace.ms));
  signal.addEventListener("abort", startTimer, { once: true });
  return promise;
}

/** Whether it failed because whoever read standard output went away, as `head` does; that is for them to speak of. */
function isBrokenPipe(caught: unknown): boolean {
  for (let error = caught, depth = 0; error instanceof Error && depth < 8; error = error.cause, depth++) {
    if (error instanceof Deno.errors.BrokenPipe) return true;
  }
  return false;
}

async function dispatch(args: readonly string[], host: CliHost, grace: Grace): Promise<number> {
  const { root, rest } = takeRoot(args);
  const first = rest[0];
  if (first === undefined || first === "--help" || first === "-h") return showOverview(host.terminal, undefined);
  if (first === "--version" || first === "-v") return await run(["version"], root, { ...host, grace });
  return await run(rest, root, { ...host, grace });
}

async function run(
  words: readonly string[],
  root: string | undefined,
  host: CliHost & { readonly grace: Grace },
): Promise<number> {
  const found = findCommand(commands, words);
  if (found === undefined) return await runUnknown(words, host.terminal);
  const { entry } = found;
  const { command } = await entry.load();
  const own = takeGlobals(words.slice(found.length));
  if (own.isHelp) {
    const { commandText } = await import("./help.ts");
    host.terminal.out(commandText(entry, command));
    return 0;
  }
  const input = await readInput(entry.name, command, own.rest);
  let engine: Engine | undefined;
  const call: Call = { signal: host.signal, emit: (event) => showWarning(event, host.terminal) };
  const context: Context = {
    terminal: host.terminal,
    call,
    commands,
    environment: (name) => host.environment(name),
    extendGrace: (ms) => void (host.grace.ms = ms),
    openEngine: async (pluginOptions) => engine ??= await host.openEngine(own.root ?? root, pluginOptions),
  };
  try {
    if (command.needsOwners === true) {
      const { checkOwnerRights } = await import("../image/run_rights.ts");
      await checkOwnerRights((await context.openEngine()).config.root);
    }
    return await command.run(input, context);
  } finally {
    await engine?.[Symbol.asyncDispose]();
  }
}

function showWarning(event: EngineEvent, terminal: Terminal): void {
  if (event.type !== "warning") return;
  terminal.err(`${paint("yellow", "warning:", terminal.hasColor)} ${printable(event.message)}\n`);
}

async function runUnknown(words: readonly string[], terminal: Terminal): Promise<number> {
  const [first = "", second] = words;
  const isGroup = groupNames(commands).includes(first);
  if (isGroup && (second === undefined || second === "--help" || second === "-h")) {
    return await showOverview(terminal, first);
  }
  const name = isGroup ? `${first} ${second}` : first;
  const near = suggestGroup(words) ?? suggest(name, commands.flatMap((entry) => [entry.name, ...entry.aliases]));
  throw new EngineError("INVALID_ARGUMENT", `Cannot run "strata ${name}": no such command`, {
    detail: { field: "command", value: name },
    hint: near === undefined ? 'Run "strata --help" for the list of commands' : `Did you mean "strata ${near}"?`,
  });
}

/** A command that differs from what was typed in the name of its group only. */
function suggestGroup([first = "", second]: readonly string[]): string | undefined {
  const group = second === undefined ? undefined : suggest(first, groupNames(commands));
  const name = `${group} ${second}`;
  return group === undefined || findCommand(commands, [group, second ?? ""])?.length !== 2 ? undefined : name;
}

async function showOverview(terminal: Terminal, group: string | undefined): Promise<number> {
  const { overviewText } = await import("./help.ts");
  terminal.out(overviewText(commands, group));
  return 0;
}

/** Takes `--root` from before the command. */
function takeRoot(args: readonly string[]): { root: string | undefined; rest: readonly string[] } {
  const first = args[0];
  if (first === "--root") return { root: requireRoot(args[1]), rest: args.slice(2) };
  if (first?.startsWith("--root=")) return { root: requireRoot(first.slice(7)), rest: args.slice(1) };
  return { root: undefined, rest: args };
}

/** Takes the flags that every command has from behind it; not what follows `--`. */
function takeGlobals(args: readonly string[]): { root?: string; isHelp: boolean; rest: readonly string[] } {
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  const rest: string[] = [];
  let root: string | undefined;
  for (let i = 0; i < own.length; i++) {
    const arg = own[i] ?? "";
    if (arg === "--help") return { isHelp: true, rest };
    if (arg === "-h" && own.length === 1) return { isHelp: true, rest };
    if (arg === "--root") root = requireRoot(own[++i]);
    else if (arg.startsWith("--root=")) root = requireRoot(arg.slice(7));
    else rest.push(arg);
  }
  const all = end < 0 ? rest : [...rest, ...args.slice(end)];
  return root === undefined ? { isHelp: false, rest: all } : { root, isHelp: false, rest: all };
}

function requireRoot(value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw new EngineError("INVALID_ARGUMENT", `Cannot use flag "--root": its value is missing`, {
    detail: { field: "root", value: value ?? "" },
    hint: "Write it as --root DIR",
  });
}
