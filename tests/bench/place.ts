import { fromFileUrl, join } from "@std/path";
import { strataBinary } from "../helpers/strata.ts";

const cli = fromFileUrl(new URL("../../cli.ts", import.meta.url));
const config = fromFileUrl(new URL("../../deno.json", import.meta.url));

/** Command line of strata: the binary that STRATA_BINARY names, else run from source as a user of the repository would. */
export function strata(...args: string[]): string[] {
  const binary = strataBinary();
  if (binary !== undefined) return [binary, ...args];
  return [Deno.execPath(), "run", "-A", "--quiet", `--config=${config}`, cli, ...args];
}

/** Command line of a Deno script that does nothing: the floor of every start. */
export async function emptyScript(folder: string): Promise<string[]> {
  const path = join(folder, "empty.ts");
  await Deno.writeTextFile(path, "");
  return [Deno.execPath(), "run", "-A", "--quiet", "--no-config", path];
}

/** Whether a program is on the PATH; says so when it is not. */
export function has(program: string): boolean {
  const found = (Deno.env.get("PATH") ?? "").split(":").some((folder) => {
    try {
      return Deno.statSync(join(folder, program)).isFile;
    } catch {
      return false;
    }
  });
  if (!found) console.log(`left out: ${program} is not installed`);
  return found;
}

/** Runs a preparation and fails loudly. */
export async function prepare(
  command: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<void> {
  const [program = "", ...args] = command;
  const output = await new Deno.Command(program, { args, ...options }).output();
  if (!output.success) {
    throw new Deno.errors.Interrupted(`${command.join(" ")}:\n${new TextDecoder().decode(output.stderr)}`);
  }
}
