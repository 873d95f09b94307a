import { EngineError } from "../errors.ts";

/** A list of logins as docker and podman keep it, with whatever else the file holds. */
export interface AuthFile {
  /** Logins by key, as they are in the file. */
  readonly auths: Readonly<Record<string, unknown>>;
  /** Name of the helper that keeps all logins; undefined without one. */
  readonly credsStore: string | undefined;
  /** Names of helpers by host. */
  readonly credHelpers: Readonly<Record<string, string>>;
  /** Everything, as it was read. */
  readonly members: Readonly<Record<string, unknown>>;
}

type Members = Readonly<Record<string, unknown>>;

/** Reads the text of such a file; `source` is what it is called in messages. Throws `INVALID_ARGUMENT` for what is none. */
export function parseAuthFile(text: string, source: string): AuthFile {
  let value: unknown;
  try {
    value = text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    // What JSON.parse says would repeat parts of the text, which may be secrets.
    throw malformed(source, "it is no JSON");
  }
  if (!isObject(value)) throw malformed(source, "it is no object");
  const { auths = {}, credsStore, credHelpers = {} } = value;
  if (!isObject(auths)) throw malformed(source, '"auths" is no object');
  if (credsStore !== undefined && typeof credsStore !== "string") throw malformed(source, '"credsStore" is no text');
  if (!isObject(credHelpers)) throw malformed(source, '"credHelpers" is no object');
  return {
    auths,
    credsStore: credsStore === undefined || credsStore === "" ? undefined : credsStore,
    credHelpers: Object.fromEntries(
      Object.entries(credHelpers).flatMap(([host, name]) =>
        typeof name === "string" && name !== "" ? [[host, name]] : []
      ),
    ),
    members: value,
  };
}

/** Reads such a file; undefined when it is not there. Throws as {@linkcode parseAuthFile}, and `OS_FAILED` when it cannot be read. */
export async function readAuthFile(path: string): Promise<AuthFile | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) return undefined;
    throw unusable("read", path, cause);
  }
  return parseAuthFile(text, path);
}

/**
 * Writes such a file, for its owner only, and whole or not at all; where the path is a symlink, the file it leads to is replaced. Makes
 * its directory. Rejects `OS_FAILED`.
 */
export async function writeAuthFile(path: string, members: Members): Promise<void> {
  const target = await Deno.realPath(path).catch(() => path);
  const temporary = `${target}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")) || "/", { recursive: true, mode: 0o700 });
    // Docker indents with tabs, and people keep this file in their notes.
    const text = JSON.stringify(members, null, "\t") + "\n";
    await Deno.writeTextFile(temporary, text, { createNew: true, mode: 0o600 });
    await Deno.rename(temporary, target);
  } catch (cause) {
    await Deno.remove(temporary).catch(() => {});
    throw unusable("write", path, cause);
  }
}

/** Whether a value is an object with members. */
export function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(source: string, state: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot read logins of "${source}": ${state}`, {
    detail: { field: "auths", value: source },
    hint: "Repair it, or remove it and log in again with strata login",
  });
}

function unusable(verb: "read" | "write", path: string, cause: unknown): EngineError {
  const state = cause instanceof Error ? cause.message.replace(/(\(os error \d+\)).*$/s, "$1") : String(cause);
  return new EngineError("OS_FAILED", `Cannot ${verb} logins of "${path}": ${state}`, { cause, detail: { path } });
}
