import { EngineError, isEngineError } from "../../errors.ts";
import { loginRegistry, type LoginResult, readLoginHost } from "../../image/login.ts";
import type { Command, Context, Input } from "../command.ts";
import { readRegistryFlags, registryFlags } from "../registry_flags.ts";
import type { Terminal } from "../terminal.ts";

/** `strata login`. */
export const command: Command = {
  usage: "[OPTIONS] [HOST]",
  description:
    "Logs in to a registry, Docker Hub when none is named, and keeps the login: with the helper that docker's config names, else in that config.",
  flags: [
    { name: "username", short: "u", type: "string", value: "NAME", help: "User name" },
    { name: "password", short: "p", type: "string", value: "TEXT", help: "Password or token; others can see it" },
    { name: "password-stdin", type: "boolean", help: "Read the password from standard input" },
    ...registryFlags,
  ],
  words: { min: 0, max: 1 },
  complete: "none",
  examples: [
    ["strata login registry.example.com", "asks for name and password"],
    ["strata login -u ci --password-stdin registry.example.com < token", "from a script"],
  ],
  async run(input: Input, context: Context): Promise<number> {
    const { terminal, call } = context;
    const host = readLoginHost(input.words[0]);
    const engine = await context.openEngine(readRegistryFlags(input, () => [host]));
    const username = input.text("username");
    if (username === undefined && input.text("password") === undefined && !input.isOn("password-stdin")) {
      const again = await loginRegistry(engine, { host }, call).catch(unlessRefused);
      if (again !== undefined) return succeeded(again, terminal);
    }
    const credential = await readCredential(input, host, terminal);
    return succeeded(await loginRegistry(engine, { host, credential }, call), terminal);
  },
};

/** A login that was good once may have run out. */
function unlessRefused(error: unknown): undefined {
  if (isEngineError(error) && error.code === "UNAUTHORIZED") return undefined;
  throw error;
}

function succeeded(result: LoginResult | undefined, terminal: Terminal): number {
  if (result !== undefined && "file" in result.storedIn) {
    terminal.err(`WARNING! Your credentials are stored unencrypted in '${result.storedIn.file}'.\n`);
    terminal.err("Name a credential helper in that file to have them kept safely.\n");
  }
  terminal.out("Login Succeeded\n");
  return 0;
}

async function readCredential(
  input: Input,
  host: string,
  terminal: Terminal,
): Promise<{ readonly username: string; readonly secret: string }> {
  const password = input.text("password");
  const isPiped = input.isOn("password-stdin");
  if (isPiped && password !== undefined) throw refused("--password and --password-stdin exclude each other");
  if (isPiped && input.text("username") === undefined) throw refused("--password-stdin needs --username");
  if (password !== undefined) {
    terminal.err("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
  }
  const canAsk = terminal.isStdinTerminal && !isPiped;
  if (!canAsk && (input.text("username") === undefined || (password === undefined && !isPiped))) {
    throw refused("standard input is no terminal to ask on");
  }
  const username = input.text("username") ?? await terminal.ask(`Username (${host}): `) ?? "";
  if (username === "") throw refused("the user name is empty");
  const secret = isPiped
    ? (await new Response(terminal.stdin).text()).replace(/\r?\n$/, "")
    : password ?? await terminal.askSecret("Password: ") ?? "";
  if (secret === "") throw refused("the password is empty");
  return { username, secret };
}

function refused(state: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot log in: ${state}`, {
    detail: { field: "password" },
    hint: "Write it as strata login -u NAME --password-stdin HOST",
  });
}
