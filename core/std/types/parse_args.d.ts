/** What {@linkcode parseArgs} understands; names without dashes. */
export interface ParseOptions {
  /** Flags that take no value. */
  boolean?: readonly string[];
  /** Flags that take a value. */
  string?: readonly string[];
  /** Flags that may be given several times and give a list. */
  collect?: readonly string[];
  /** Boolean flags that have a `--no-` form. */
  negatable?: readonly string[];
  /** Other names of a flag. */
  alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Values of flags that are not given. */
  default?: Readonly<Record<string, unknown>>;
  /** Puts all that follows `--` under `"--"`. */
  "--"?: boolean;
  /** Stops at the first word that is not a flag. */
  stopEarly?: boolean;
  /** Called for each unknown flag or word; false leaves it out of the result. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}
/** Flags by name, words under `_`. */
export interface Args {
  /** Words that are no flags. */
  _: (string | number)[];
  /** What followed `--`. */
  "--"?: string[];
  [flag: string]: unknown;
}
/** Parses a command line. */
export function parseArgs(args: readonly string[], options?: ParseOptions): Args;
