import type { Json } from "../oci/canonical_json.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";
import type { ExecConfig } from "../oci/image_config.ts";
import type { BaseImage, HistoryStep } from "./image_config.ts";
import type { Call, SourceRange } from "./call.ts";

/**
 * A build file as read from disk or stdin.
 *
 * @example A build file
 * ```ts
 * import type { SourceFile } from "@strata/strata/contract";
 *
 * const file: SourceFile = { path: "Dockerfile", text: "FROM scratch\nCOPY . /\n" };
 * console.log(file.path);
 * ```
 */
export interface SourceFile {
  /** Path as the user gave it; `-` for stdin. */
  readonly path: string;
  /** Whole text, UTF-8 decoded. */
  readonly text: string;
}

/**
 * A build file that a plugin has made of another one, to be read in another format.
 *
 * @example A Dockerfile that was made from another file
 * ```ts
 * import type { DerivedFile } from "@strata/strata/contract";
 *
 * const file: DerivedFile = {
 *   path: "app.build",
 *   text: "FROM scratch\nCOPY a /\n",
 *   origins: [{ file: "app.build", line: 1, endLine: 1 }, { file: "app.build", line: 4, endLine: 6 }],
 * };
 * console.log(file.origins.length);
 * ```
 */
export interface DerivedFile extends SourceFile {
  /**
   * Where each line of `text` comes from, in order. Places in what its parser gives, reports and rejects with are changed to these. A
   * line that is as it was has its text as `source`, so that columns are kept.
   */
  readonly origins: readonly SourceRange[];
  /** Build arguments that it is given; those of the context when left out. */
  readonly args?: Readonly<Record<string, string>>;
}

/**
 * What a parser may ask of core. It has no other way to touch the world.
 *
 * @example Read an argument, and another file of the context
 * ```ts
 * import type { ParseContext } from "@strata/strata/contract";
 *
 * async function readVersions({ args, contextFile }: ParseContext): Promise<string[]> {
 *   return [args.VERSION ?? "latest", await contextFile("VERSION") ?? ""];
 * }
 * ```
 */
export interface ParseContext extends Call {
  /** Platform being built. */
  readonly platform: Platform;
  /** Platform of the machine that builds. */
  readonly buildPlatform: Platform;
  /** Stage to stop at, by name or number; undefined means the last. */
  readonly target?: string;
  /** `--build-arg` values. */
  readonly args: Readonly<Record<string, string>>;
  /** Names of `--build-context`; such a name wins over a stage's and an image's. */
  readonly contexts: readonly string[];
  /** Stages whose steps are not taken from the cache, lower-cased; `true` for all. */
  readonly noCache: boolean | readonly string[];
  /** Resolves a base image to a pinned descriptor and its config. Rejects `NOT_FOUND`. */
  base(reference: string, platform: Platform): Promise<BaseImage>;
  /** A small text file of the build context, or undefined when absent. */
  contextFile(path: string): Promise<string | undefined>;
  /** A small text file beside the build file, by name; undefined when absent or when the build file came from stdin. */
  siblingFile(name: string): Promise<string | undefined>;
  /** Names in a folder of the build context, sorted bytewise, those that an ignore file leaves out among them. Rejects `NOT_FOUND`. */
  contextNames(path: string): Promise<readonly string[]>;
  /**
   * Has the parser of another format read a file, with what this context has. Rejects as it does, `UNSUPPORTED` when there is no such
   * format, and `INVALID_ARGUMENT` when formats hand a file on without end.
   */
  parseAs(format: string, file: DerivedFile): Promise<BuildGraph>;
  /** The same for an outline. */
  outlineAs(format: string, file: DerivedFile): Promise<BuildOutline>;
}

/**
 * One operation: a kind some {@linkcode LayerHook} builds, and its arguments.
 *
 * @example What makes a folder
 * ```ts
 * import type { BuildOp } from "@strata/strata/contract";
 *
 * const op: BuildOp = { kind: "mkdir", args: { path: "/srv" } };
 * console.log(op.kind);
 * ```
 */
export interface BuildOp {
  /** `run`, `copy`, `fetch`, or `vendor.name` for third-party kinds. */
  readonly kind: string;
  /** Arguments, fully expanded. Everything in here is part of the cache key. */
  readonly args: Readonly<Record<string, Json>>;
  /** Arguments that do not decide the result, such as the id of a cache mount: not part of the cache key. */
  readonly unkeyed?: Readonly<Record<string, Json>>;
  /** Whether it runs commands; `run` does without saying so. What the user says of commands is then part of the cache key. */
  readonly runsCommands?: boolean;
}

/**
 * Index into {@linkcode BuildGraph.nodes}.
 *
 * @example The node that is the result
 * ```ts
 * import type { BuildGraph, NodeId } from "@strata/strata/contract";
 *
 * function last({ nodes }: BuildGraph): NodeId {
 *   return nodes.length - 1;
 * }
 * ```
 */
export type NodeId = number;

/**
 * One filesystem state. A layer node's inputs have smaller ids than its own.
 *
 * @example An empty image, with a folder
 * ```ts
 * import type { BuildNode } from "@strata/strata/contract";
 *
 * const nodes: readonly BuildNode[] = [{ type: "scratch" }];
 * console.log(nodes.map(({ type }) => type));
 * ```
 */
export type BuildNode =
  | { readonly type: "scratch" }
  | { readonly type: "image"; readonly reference: string; readonly descriptor: Descriptor }
  | {
    readonly type: "context";
    /** Name given to `--build-context`; empty for the build context itself. */
    readonly name: string;
    /** Ignore patterns, as for `Kit.compileIgnore`. */
    readonly exclude: readonly string[];
  }
  | {
    readonly type: "git";
    /** Repository, with `#ref` or `#ref:folder` where given. */
    readonly url: string;
    /** Whether the `.git` folder is part of the tree. */
    readonly keepGitDir: boolean;
    /** Commit, or the start of one, that the checkout must have. */
    readonly checksum?: string;
  }
  | {
    readonly type: "layer";
    readonly op: BuildOp;
    /** `inputs[0]` is the filesystem the operation sees; the rest are read from. */
    readonly inputs: readonly NodeId[];
    /** What the layer is put on, when that is not `inputs[0]`: an operation that does not depend on what lies below it. */
    readonly onto?: NodeId;
    /** True when the layer must be built even though the cache has it. */
    readonly noCache?: boolean;
    /** Shown to people; not part of the cache key. */
    readonly name: string;
    readonly at?: SourceRange;
  };

/**
 * An instruction of a build file, for whoever shows a build line by line.
 *
 * @example A line of a Dockerfile and what it became
 * ```ts
 * import type { BuildInstruction } from "@strata/strata/contract";
 *
 * const instruction: BuildInstruction = { text: "COPY . /", nodes: [1] };
 * console.log(instruction.text);
 * ```
 */
export interface BuildInstruction {
  /** The instruction as one line, as it was written. */
  readonly text: string;
  /** The layer nodes that it makes, in ascending order; none when it changes only the config. */
  readonly nodes: readonly NodeId[];
}

/**
 * A parsed build: pure data, no functions, no I/O left to do.
 *
 * @example An image without files that has a label
 * ```ts
 * import type { BuildGraph } from "@strata/strata/contract";
 *
 * const graph: BuildGraph = {
 *   nodes: [{ type: "scratch" }],
 *   result: 0,
 *   platform: { os: "linux", architecture: "amd64" },
 *   config: { Labels: { team: "web" } },
 *   history: [{ createdBy: "LABEL team=web", emptyLayer: true }],
 * };
 * console.log(JSON.stringify(graph.config));
 * ```
 */
export interface BuildGraph {
  /** Nodes in topological order. */
  readonly nodes: readonly BuildNode[];
  /** The node that becomes the image's root filesystem. */
  readonly result: NodeId;
  /** Platform of the image, which a base may have narrowed. */
  readonly platform: Platform;
  /** Exec config of the image. */
  readonly config: ExecConfig;
  /** Author, from `MAINTAINER`; undefined keeps the base's. */
  readonly author?: string;
  /** History added on top of the base image's; those without `emptyLayer` match the layer nodes from base to result. */
  readonly history: readonly HistoryStep[];
  /** What the file says that the result needs, in file order; only shown to people. Left out where the format has no such lines. */
  readonly instructions?: readonly BuildInstruction[];
}

/**
 * One doubtful place in a build file.
 *
 * @example Something that a build file had better not do
 * ```ts
 * import type { BuildCheck } from "@strata/strata/contract";
 *
 * const check: BuildCheck = {
 *   rule: "StageNameCasing",
 *   description: "Stage names are lowercase",
 *   severity: "warning",
 *   message: 'Stage name "Build" is not lowercase',
 *   at: { file: "Dockerfile", line: 1, endLine: 1 },
 * };
 * console.log(check.message);
 * ```
 */
export interface BuildCheck {
  /** Name of the rule, e.g. BuildKit's `StageNameCasing`. */
  readonly rule: string;
  /** What the rule is about, one sentence. */
  readonly description: string;
  /** Page that explains the rule. */
  readonly url?: string;
  /** `error` when the file asks that doubtful places fail the build. */
  readonly severity: "warning" | "error";
  /** What is wrong here. */
  readonly message: string;
  /** Where. */
  readonly at: SourceRange;
}

/**
 * What a build file takes and holds, for `--print=outline` and `--check`.
 *
 * @example Names of the arguments that a build file takes
 * ```ts
 * import type { BuildOutline } from "@strata/strata/contract";
 *
 * function argumentNames({ args }: BuildOutline): string[] {
 *   return args.map(({ name, value }) => value === undefined ? name : `${name}=${value}`);
 * }
 * ```
 */
export interface BuildOutline {
  /** Name of the stage that would be built; empty when it has none. */
  readonly target: string;
  /** Stages in order. */
  readonly stages: readonly {
    readonly name: string;
    readonly base: string;
    readonly platform?: string;
    readonly description?: string;
    readonly at: SourceRange;
  }[];
  /** Build arguments that the target can be given, in order of first use. */
  readonly args: readonly {
    readonly name: string;
    readonly value?: string;
    readonly description?: string;
    readonly at: SourceRange;
  }[];
  /** Secrets its steps mount. */
  readonly secrets: readonly { readonly name: string; readonly required: boolean; readonly at: SourceRange }[];
  /** SSH agents its steps mount. */
  readonly ssh: readonly { readonly name: string; readonly required: boolean; readonly at: SourceRange }[];
  /** Cache mounts of its steps, by id. */
  readonly cacheMounts: readonly string[];
  /** Doubtful places, in file order. */
  readonly checks: readonly BuildCheck[];
  /** The same build as a Dockerfile in Docker's own syntax, for `--print=dockerfile`; left out where the format has none. */
  readonly dockerfile?: string;
}

/**
 * Turns a build file into a {@linkcode BuildGraph}.
 *
 * @example A format whose lines are labels
 * ```ts
 * import type { ParseHook, SourceFile } from "@strata/strata/contract";
 *
 * const labelsOf = ({ text }: SourceFile): Record<string, string> =>
 *   Object.fromEntries(text.trim().split("\n").map((line) => line.split("=", 2)));
 * const hook: ParseHook = {
 *   format: "labels",
 *   matches: ({ path }) => path.endsWith(".labels"),
 *   parse: (file, { platform }) =>
 *     Promise.resolve({
 *       nodes: [{ type: "scratch" }],
 *       result: 0,
 *       platform,
 *       config: { Labels: labelsOf(file) },
 *       history: [],
 *     }),
 *   outline: () =>
 *     Promise.resolve({ target: "", stages: [], args: [], secrets: [], ssh: [], cacheMounts: [], checks: [] }),
 * };
 * console.log(await hook.matches({ path: "app.labels", text: "" }));
 * ```
 */
export interface ParseHook {
  /** Format name, unique among parse hooks, e.g. `dockerfile`. */
  readonly format: string;
  /** Whether this hook claims the file, judged by name and text alone. */
  matches(file: SourceFile): boolean | Promise<boolean>;
  /** Rejects `PARSE_FAILED` with `detail.range`. Warnings go to `context.emit`. Stages the target does not need are not resolved. */
  parse(file: SourceFile, context: ParseContext): Promise<BuildGraph>;
  /** What the file offers and what is doubtful in it. Resolves no base image. Rejects `PARSE_FAILED` as `parse` does. */
  outline(file: SourceFile, context: ParseContext): Promise<BuildOutline>;
}
