/**
 * Makes a stand-in of a binary: a script that runs, with this Deno, the very files that a binary holds and nothing else, and has the
 * program believe that it is compiled. It shows what does not depend on the run-time.
 */
import { join } from "@std/path";
import type { Embedded } from "./embedded.ts";

/** Folder of a binary in which packages of npm are. */
const packagesFolder = ".deno_compile_node_modules/localhost/";

/** Writes the stand-in to an empty folder; gives the path of its script. `lock` is the text of a deno.lock that has its packages. */
export async function writeStandIn({ files, metadata }: Embedded, folder: string, lock: string): Promise<string> {
  const [program, cache] = [join(folder, "program"), join(folder, "cache")];
  for (const [path, bytes] of files) {
    const target = path.startsWith(packagesFolder)
      ? join(cache, "npm/registry.npmjs.org", path.slice(packagesFolder.length))
      : join(program, path);
    await Deno.mkdir(join(target, ".."), { recursive: true });
    await Deno.writeFile(target, bytes);
  }
  const { imports } = JSON.parse(metadata.workspace_resolver.import_map?.json ?? "{}");
  const config = { imports, unstable: metadata.unstable_config.features, nodeModulesDir: "none" };
  await Deno.writeTextFile(join(program, "deno.json"), JSON.stringify(config));
  await Deno.writeTextFile(join(program, "deno.lock"), lock);
  const script = join(folder, "strata");
  await Deno.writeTextFile(join(folder, "preload.ts"), preload(script, [Deno.execPath(), folder]));
  const words = [
    Deno.execPath(),
    ...["run", "--quiet", "--allow-all", "--no-prompt", "--no-check", "--no-remote", "--cached-only"],
    `--v8-flags=${metadata.v8_flags.filter((flag) => flag.startsWith("--disallow")).join(",")}`,
    `--config=${program}/deno.json`,
    `--preload=${folder}/preload.ts`,
    join(program, metadata.entrypoint_key),
  ];
  const command = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  await Deno.writeTextFile(script, `#!/bin/sh\nDENO_DIR='${cache}' exec ${command} "$@"\n`);
  await Deno.chmod(script, 0o755);
  // The users that tests make use it as well.
  await Deno.chmod(folder, 0o755);
  // Deno writes its lock file and its caches once; inside bubblewrap it could not.
  const { success, stderr } = await new Deno.Command(script, { args: ["--version"], stdout: "null" }).output();
  if (!success) throw new TypeError(`Cannot start stand-in "${script}": ${new TextDecoder().decode(stderr)}`);
  return script;
}

/** What the program of a binary sees; and where bubblewrap shows one that file, which a binary is, all parts of the stand-in. */
function preload(script: string, parts: readonly string[]): string {
  return `
const self = ${JSON.stringify(script)};
const parts = ${JSON.stringify([...parts, "/bin/sh"])};
Object.defineProperty(Deno, "build", { value: { ...Deno.build, standalone: true } });
Object.defineProperty(Deno, "execPath", { value: () => self });
const { Command } = Deno;
Object.defineProperty(Deno, "Command", {
  value: class extends Command {
    constructor(program, options = {}) {
      const { args = [] } = options;
      const at = args.findIndex((each, i) => each === "--ro-bind-try" && args[i + 1] === self);
      const bound = parts.flatMap((part) => ["--ro-bind", part, part]);
      super(program, at < 0 ? options : { ...options, args: [...args.slice(0, at), ...bound, ...args.slice(at)] });
    }
  },
});
`;
}
