import type { SourceRange } from "../../core/contract/mod.ts";

/** A here-document of an instruction. */
export interface Heredoc {
  /** Delimiter, without quotes; names the file in COPY and ADD. */
  readonly name: string;
  /** Body, tabs already stripped for `<<-`; ends with a newline unless empty. */
  readonly text: string;
  /** Whether variables in the body are expanded (the delimiter was not quoted). */
  readonly expand: boolean;
  /** Whether leading tabs were stripped (`<<-`). */
  readonly chomp: boolean;
  /** File descriptor before `<<`, as written; empty when none. */
  readonly fd: string;
}

/** A command line: an argument vector, or text for the shell. */
export type CommandLine =
  | { readonly form: "exec"; readonly args: readonly string[] }
  | { readonly form: "shell"; readonly text: string };

/** A name and a value as written, not expanded; quotes and escapes are still in them. */
export interface Pair {
  readonly key: string;
  /** Undefined where no `=` was given. */
  readonly value?: string;
}

/** `RUN --mount=…`, as written: keys lower-cased, values not expanded. */
export interface RunMountFlag {
  readonly options: readonly Pair[];
  readonly at: SourceRange;
}

/** What COPY and ADD have in common. */
export interface CopyFields {
  /** Sources as written, heredocs left out. */
  readonly sources: readonly string[];
  readonly dest: string;
  /** Heredocs that are sources, in order, after `sources`. */
  readonly heredocs: readonly Heredoc[];
  readonly chown?: string;
  readonly chmod?: string;
  readonly link: boolean;
  readonly parents: boolean;
  readonly exclude: readonly string[];
}

/** Fields of each instruction. Text is as written: expansion is a later step. */
export type InstructionFields =
  | {
    readonly kind: "from";
    readonly base: string;
    readonly platform?: string;
    /** Stage name, lower-cased. */
    readonly name?: string;
    /** Stage name as written. */
    readonly rawName?: string;
    /** `as` as written, for the casing check. */
    readonly asKeyword?: string;
  }
  | { readonly kind: "arg"; readonly pairs: readonly Pair[] }
  | { readonly kind: "env" | "label"; readonly pairs: readonly Pair[]; readonly legacy: boolean }
  | {
    readonly kind: "run";
    readonly command: CommandLine;
    readonly heredocs: readonly Heredoc[];
    readonly mounts: readonly RunMountFlag[];
    readonly network?: string;
    readonly security?: string;
    readonly devices: readonly string[];
  }
  | { readonly kind: "cmd" | "entrypoint"; readonly command: CommandLine }
  | CopyFields & { readonly kind: "copy"; readonly from?: string }
  | CopyFields & {
    readonly kind: "add";
    readonly keepGitDir?: boolean;
    readonly checksum?: string;
    readonly unpack?: boolean;
  }
  | { readonly kind: "workdir"; readonly path: string }
  | { readonly kind: "user"; readonly user: string }
  | { readonly kind: "volume"; readonly paths: readonly string[] }
  | { readonly kind: "expose"; readonly ports: readonly string[] }
  | { readonly kind: "stopsignal"; readonly signal: string }
  | { readonly kind: "shell"; readonly args: readonly string[] }
  | {
    readonly kind: "healthcheck";
    /** Undefined for NONE. Durations in nanoseconds, undefined where not given. */
    readonly probe?: {
      readonly command: CommandLine;
      readonly interval?: number;
      readonly timeout?: number;
      readonly startPeriod?: number;
      readonly startInterval?: number;
      readonly retries?: number;
    };
  }
  /** `trigger` is the whole inner instruction with its heredoc bodies, as it is stored in the image. */
  | { readonly kind: "onbuild"; readonly trigger: string }
  | { readonly kind: "maintainer"; readonly author: string };

/** One instruction, parsed. */
export type Instruction = InstructionFields & {
  /** Where it stands, continuation lines and heredocs included. */
  readonly at: SourceRange;
  /** Keyword as written. */
  readonly keyword: string;
  /** The instruction as one line, flags included, continuations joined, heredocs left out: the text that history shows. */
  readonly original: string;
  /** Comment lines directly above it, without `#`, for outlines. */
  readonly comments: readonly string[];
  /** The lines it stands on, as in the file but without line ends; `lines[0]` is line `at.line`. One line for a trigger of a base image. */
  readonly lines: readonly string[];
};

/** Something the reader noticed that does not stop the build. */
export interface ReaderWarning {
  /** Rule name, e.g. `NoEmptyContinuation`. */
  readonly rule: string;
  readonly message: string;
  readonly at: SourceRange;
}

/** A Dockerfile, read but not expanded. */
export interface Dockerfile {
  /** The escape character in force: backslash or backtick. */
  readonly escape: string;
  /** `# syntax=`, when given. */
  readonly syntax?: string;
  /** `# check=`, when given: rules to skip (`all` for every one), whether findings fail the build, and experimental rules. */
  readonly check: {
    readonly skip: readonly string[];
    readonly error: boolean;
    readonly experimental: readonly string[];
  };
  /** ARGs before the first FROM, then each stage's instructions from its FROM on. */
  readonly globalArgs: readonly Instruction[];
  readonly stages: readonly (readonly Instruction[])[];
  readonly warnings: readonly ReaderWarning[];
}
