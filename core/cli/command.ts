import type { Call } from "../contract/call.ts";
import type { Engine, EngineOptions } from "../engine.ts";
import type { Terminal } from "./terminal.ts";

/** One flag of a command. */
export interface Flag {
  /** Long name, without dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** `boolean` takes no value (or `=true`, `=false`), `string` takes one, `list` may be given several times. */
  readonly type: "boolean" | "string" | "list";
  /** What the value is called in help, e.g. `NAME`. */
  readonly value?: string;
  /** One line of help, without a full stop. */
  readonly help: string;
  /** Values a shell completion offers. */
  readonly choices?: readonly string[];
}

/** A command line after parsing. */
export interface Input {
  /** Words that are no flags. */
  readonly words: readonly string[];
  /** Whether a boolean flag is on. */
  isOn(name: string): boolean;
  /** Whether a boolean flag was turned off with `=false`. */
  isOff(name: string): boolean;
  /** Value of a flag; undefined when it was not given. */
  text(name: string): string | undefined;
  /** Values of a list flag, in order. */
  list(name: string): readonly string[];
}

/** What a command may use. */
export interface Context {
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C. Its `emit` drops events; a command that shows progress makes its own. */
  readonly call: Call;
  /** Every command, for help and completion. */
  readonly commands: readonly CommandEntry[];
  /** A variable of the environment. */
  environment(name: string): string | undefined;
  /** Lets the command take so many milliseconds to end after it was interrupted, where the usual five seconds are too few. */
  extendGrace(ms: number): void;
  /**
   * Opens the engine, once, with members laid over the config's sections of plugins; the caller of the command closes it. Later calls
   * give the same one.
   */
  openEngine(pluginOptions?: EngineOptions["pluginOptions"]): Promise<Engine>;
}

/** One command: what help shows, and what it does. */
export interface Command {
  /** Words of the command line behind the flags, e.g. `[OPTIONS] IMAGE [IMAGE…]`. */
  readonly usage: string;
  /** What it does, one or more sentences. */
  readonly description: string;
  readonly flags: readonly Flag[];
  /** How many words it takes. */
  readonly words: { readonly min: number; readonly max: number };
  /** What the words are, for shell completion. */
  readonly complete?: "image" | "file" | "none";
  /** Whether it reads or removes files that commands have made, whose owners a user has inside a user namespace only. */
  readonly needsOwners?: boolean;
  /** Command lines with what they do. */
  readonly examples?: readonly (readonly [line: string, what: string])[];
  /** Does it; gives the exit code. */
  run(input: Input, context: Context): Promise<number>;
}

/** One command as help lists it; its module is loaded when it is run. */
export interface CommandEntry {
  /** Words that call it, e.g. `image ls`. */
  readonly name: string;
  /** Other words that call it. */
  readonly aliases: readonly string[];
  /** One line for the list of commands. */
  readonly summary: string;
  load(): Promise<{ readonly command: Command }>;
}
