import type { BuildOp, Json, Kit } from "../../core/contract/mod.ts";

/** A path in one of the node's inputs. */
export interface PathSource {
  /** Index into the node's inputs, 1 or more. */
  readonly input: number;
  /** As written. */
  readonly path: string;
  /** Whether the path holds wildcards. */
  readonly pattern: boolean;
  /** What happens to archives, when this source differs from the others. */
  readonly extract: Extract | undefined;
}

/** A file written in the build file itself. */
export interface TextSource {
  /** Name of the file. */
  readonly name: string;
  /** What is in it. */
  readonly text: string;
}

/** When an archive is unpacked in place of being copied. */
export type Extract = "never" | "auto" | "always";

/** Arguments of operation `copy`. */
export interface CopyArgs {
  /** What to copy, in order. */
  readonly sources: readonly (PathSource | TextSource)[];
  /** Absolute; ends in a slash when it names a folder. */
  readonly dest: string;
  /** `user[:group]`, names or numbers; undefined keeps the owners the sources have. */
  readonly chown: string | undefined;
  /** Octal or symbolic mode; undefined keeps the modes the sources have. */
  readonly chmod: string | undefined;
  /** Whether the folders that lead to a source are copied too. */
  readonly parents: boolean;
  /** Patterns of what is left out. */
  readonly exclude: readonly string[];
  /** What happens to archives. */
  readonly extract: Extract;
  /** Whether several sources need a destination that ends in a slash. */
  readonly strict: boolean;
}

/** Arguments of operation `mkdir`. */
export interface MkdirArgs {
  /** Absolute. */
  readonly path: string;
  /** `user[:group]` that owns what is made; undefined for root. */
  readonly owner: string | undefined;
}

/** Reads the arguments of a `copy`. Throws `INVALID_ARGUMENT`. */
export function readCopyArgs(op: BuildOp, kit: Kit): CopyArgs {
  const read = new Reader(op, kit);
  const extract = read.text("extract");
  return {
    sources: read.list("sources").map((source) => readSource(source, read)),
    dest: read.text("dest"),
    chown: read.optional("chown"),
    chmod: read.optional("chmod"),
    parents: read.flag("parents"),
    exclude: read.list("exclude").map((pattern) => typeof pattern === "string" ? pattern : read.fail("exclude")),
    extract: isExtract(extract) ? extract : read.fail("extract"),
    strict: read.flag("strict"),
  };
}

/** Reads the arguments of a `mkdir`. Throws `INVALID_ARGUMENT`. */
export function readMkdirArgs(op: BuildOp, kit: Kit): MkdirArgs {
  const read = new Reader(op, kit);
  return { path: read.text("path"), owner: read.optional("owner") };
}

function isExtract(value: unknown): value is Extract {
  return value === "never" || value === "auto" || value === "always";
}

function readSource(source: Json, read: Reader): PathSource | TextSource {
  if (source === null || typeof source !== "object" || Array.isArray(source)) return read.fail("sources");
  const { name, text, input, path, pattern, extract }: Readonly<Record<string, unknown>> = { ...source };
  if (input === undefined) {
    const isName = typeof name === "string" && name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);
    return isName && typeof text === "string" ? { name, text } : read.fail("sources");
  }
  if (typeof input !== "number" || !Number.isInteger(input) || input < 1) return read.fail("sources");
  if (typeof path !== "string" || path.includes("\0")) return read.fail("sources");
  if (typeof pattern !== "boolean" || !(extract === undefined || isExtract(extract))) return read.fail("sources");
  return { input, path, pattern, extract };
}

class Reader {
  readonly #op: BuildOp;
  readonly #kit: Kit;

  constructor(op: BuildOp, kit: Kit) {
    this.#op = op;
    this.#kit = kit;
  }

  text(field: string): string {
    const value = this.#op.args[field];
    return typeof value === "string" && !value.includes("\0") ? value : this.fail(field);
  }

  optional(field: string): string | undefined {
    const value = this.#op.args[field];
    // An empty text is a variable that expanded to nothing: the flag counts as not given.
    return value === undefined || value === null || value === "" ? undefined : this.text(field);
  }

  flag(field: string): boolean {
    const value = this.#op.args[field];
    return typeof value === "boolean" ? value : this.fail(field);
  }

  list(field: string): readonly Json[] {
    const value = this.#op.args[field];
    return Array.isArray(value) ? value : this.fail(field);
  }

  fail(field: string): never {
    const kind = this.#op.kind;
    throw this.#kit.error("INVALID_ARGUMENT", `Cannot read operation "${kind}": its argument "${field}" is malformed`, {
      detail: { field, value: kind },
    });
  }
}
