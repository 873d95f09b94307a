import type { Call } from "../contract/call.ts";
import type { Credential } from "../contract/credential.ts";
import { EngineError } from "../errors.ts";
import { isObject } from "./auth_file.ts";
import { runProgram } from "./process.ts";

/** User name by which a helper says that the secret is an identity token. */
const tokenUser = "<token>";
/** What a helper says when it has no login for a host (docker-credential-helpers, credentials/error.go). */
const notFound = "credentials not found in native keychain";

/**
 * The login that a helper, the program `docker-credential-<name>`, keeps under a key; undefined when it has none. Rejects `UNSUPPORTED` when
 * the program is not installed and `OS_FAILED` when it fails.
 */
export async function askHelper(name: string, key: string, call: Call): Promise<Credential | undefined> {
  const { code, stdout } = await run({ name, verb: "get", input: key }, call);
  if (code !== 0 && stdout.includes(notFound)) return undefined;
  if (code !== 0) throw failed(name, "get", stdout);
  const answer = parse(stdout);
  const { Username: username, Secret: secret } = answer;
  if (typeof username !== "string" || typeof secret !== "string") throw failed(name, "get", "its answer is malformed");
  return { username: username === tokenUser ? "" : username, secret };
}

/** Has a helper keep a login under a key. Rejects as {@linkcode askHelper}. */
export async function tellHelper(
  name: string,
  { key, credential }: { readonly key: string; readonly credential: Credential },
  call: Call,
): Promise<void> {
  const { username, secret } = credential;
  const input = JSON.stringify({ ServerURL: key, Username: username === "" ? tokenUser : username, Secret: secret });
  const { code, stdout } = await run({ name, verb: "store", input }, call);
  if (code !== 0) throw failed(name, "store", stdout);
}

/** Has a helper forget what it keeps under a key; false when it has nothing. Rejects as {@linkcode askHelper}. */
export async function clearHelper(name: string, key: string, call: Call): Promise<boolean> {
  const { code, stdout } = await run({ name, verb: "erase", input: key }, call);
  if (code !== 0 && !stdout.includes(notFound)) throw failed(name, "erase", stdout);
  return code === 0;
}

async function run(
  { name, verb, input }: { readonly name: string; readonly verb: string; readonly input: string },
  call: Call,
): Promise<{ readonly code: number; readonly stdout: string }> {
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(name)) throw failed(name, verb, "its name is malformed");
  const { code, stdout, stderr } = await runProgram(`docker-credential-${name}`, { args: [verb], input }, call);
  return { code, stdout: stdout.trim() === "" && code !== 0 ? stderr : stdout };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function failed(name: string, verb: string, state: string): EngineError {
  const said = state.trim().slice(0, 400) || "it says nothing";
  return new EngineError("OS_FAILED", `Cannot ${verb} login with helper "${name.slice(0, 100)}": ${said}`, {
    detail: { program: `docker-credential-${name}` },
  });
}
