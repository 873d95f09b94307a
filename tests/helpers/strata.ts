import { fromFileUrl, resolve } from "@std/path";

/** What a run of the command gave. */
export interface StrataOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run the command. */
export interface StrataOptions {
  readonly root: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Uint8Array | string;
}

const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
const cli = fromFileUrl(new URL("../../cli.ts", import.meta.url));

/** Absolute path of the binary that STRATA_BINARY names and all tests of the command use; undefined when it names none. */
export function strataBinary(): string | undefined {
  const binary = Deno.env.get("STRATA_BINARY");
  return binary === undefined || binary === "" ? undefined : resolve(binary);
}

/** The command line of strata: the binary that STRATA_BINARY names, else this source. */
export function strataCommand(): readonly string[] {
  const binary = strataBinary();
  if (binary !== undefined) return [binary];
  return [Deno.execPath(), "run", "-A", "--quiet", "--no-check", `--config=${config}`, cli];
}

/** Runs strata as a process of its own. */
export async function runStrata(options: StrataOptions, ...args: string[]): Promise<StrataOutput> {
  const [program = "", ...first] = strataCommand();
  const child = new Deno.Command(program, {
    args: [...first, ...args],
    env: { STRATA_ROOT: options.root, NO_COLOR: "1", ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  if (options.stdin !== undefined) {
    const writer = child.stdin.getWriter();
    const bytes = typeof options.stdin === "string" ? new TextEncoder().encode(options.stdin) : options.stdin;
    // A command that fails early closes its end; its exit code tells.
    await writer.write(bytes).then(() => writer.close()).catch(() => {});
  }
  const { code, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs strata and fails the test unless it exits with 0. */
export async function mustRun(options: StrataOptions, ...args: string[]): Promise<StrataOutput> {
  const output = await runStrata(options, ...args);
  if (output.code !== 0) {
    throw new Deno.errors.Interrupted(`strata ${args.join(" ")}: ${output.code}\n${output.stderr}`);
  }
  return output;
}

/** A folder that is gone when the test is over. */
export interface TempFolder extends AsyncDisposable {
  readonly path: string;
  /** Writes files; folders are made. */
  write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void>;
}

/** Makes a temporary folder. */
export async function tempFolder(): Promise<TempFolder> {
  const path = await Deno.makeTempDir({ prefix: "strata-test-" });
  return {
    path,
    async write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
      for (const [name, content] of Object.entries(files)) {
        const target = `${path}/${name}`;
        await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
        if (typeof content === "string") await Deno.writeTextFile(target, content);
        else await Deno.writeFile(target, content);
      }
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await Deno.remove(path, { recursive: true });
    },
  };
}
