import { type Config, loadConfig } from "../config.ts";
import { EngineError } from "../errors.ts";
import { setMember } from "./json_member.ts";

/** A plugin as the config file has it: members that strata does not know are kept. */
export type WrittenPlugin = Readonly<Record<string, unknown>>;

/** The config without an engine, for commands that change its file. Throws as {@linkcode loadConfig} does. */
export function readConfig(overrides: Partial<Config> = {}): Config {
  return loadConfig(overrides);
}

/**
 * Changes the list of plugins in the config file, at once and leaving the rest of it as it is; makes the file when there is none. Throws
 * `INVALID_ARGUMENT` for a file that is no JSON object, and `OS_FAILED` for one that cannot be written.
 */
export function changePlugins(
  { file }: Pick<Config, "file">,
  change: (plugins: readonly WrittenPlugin[]) => readonly WrittenPlugin[],
): void {
  if (file === undefined) {
    throw new EngineError("INVALID_ARGUMENT", "Cannot change the config file: no home directory is known", {
      detail: { field: "STRATA_CONFIG" },
      hint: "Name the file with STRATA_CONFIG",
    });
  }
  const text = readText(file) ?? "{}\n";
  const plugins = changedList(text, change);
  writeText(file, setMember(text, "plugins", plugins));
}

function changedList(
  text: string,
  change: (plugins: readonly WrittenPlugin[]) => readonly WrittenPlugin[],
): readonly WrittenPlugin[] {
  // A file of another form is told by whoever reads it as the config, which came first.
  const { plugins }: { readonly plugins?: readonly WrittenPlugin[] } = { ...Object(JSON.parse(text)) };
  return change(Array.isArray(plugins) ? plugins : []);
}

function readText(file: string): string | undefined {
  try {
    return Deno.readTextFileSync(file);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw failure("read", file, cause);
  }
}

/** Writes beside the file, then over it, so that no reader sees half of it; a link stays one. */
function writeText(file: string, text: string): void {
  try {
    const target = exists(file) ? Deno.realPathSync(file) : file;
    Deno.mkdirSync(target.replace(/[\\/][^\\/]*$/, "") || "/", { recursive: true });
    const part = `${target}.${crypto.randomUUID()}`;
    Deno.writeTextFileSync(part, text, {
      mode: exists(target) ? (Deno.statSync(target).mode ?? 0o600) & 0o777 : 0o600,
    });
    Deno.renameSync(part, target);
  } catch (cause) {
    throw failure("write", file, cause);
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function failure(verb: string, path: string, cause: unknown): EngineError {
  const state = cause instanceof Error ? cause.message : String(cause);
  return new EngineError("OS_FAILED", `Cannot ${verb} config file "${path}": ${state}`, { cause, detail: { path } });
}
