import { readVariable } from "./config.ts";
import type { Call } from "./contract/call.ts";
import { EngineError, isEngineError } from "./errors.ts";
import { createKit } from "./kit.ts";

/** Most bytes of what a registry tells of a package, of the package, and of the file of it that is its module. */
const limits = { facts: 4 * 1024 * 1024, package: 32 * 1024 * 1024, file: 8 * 1024 * 1024 };

/** How long a registry may take for one answer, in milliseconds. */
const answerMs = 120_000;

const npmRegistry = "https://registry.npmjs.org";

/** Where packages are from and kept. */
export interface PackageOptions {
  /** Folder that files of packages are kept in, by sha256. */
  readonly folder: string;
  /** Stops the download. */
  readonly call: Call;
  /** How long the registry may take for one answer, whole, in milliseconds; two minutes when left out. */
  readonly timeoutMs?: number;
}

/**
 * The file that an npm package, `name@version`, has as its entry: from the folder when its sha256 is known and it is there, else from the
 * registry (`STRATA_NPM_REGISTRY`, `NPM_CONFIG_REGISTRY`), whose `dist.integrity` (`dist.shasum` of old packages) the package must match.
 * Rejects `NOT_FOUND`, `REMOTE_FAILED` and `NETWORK_FAILED`, `CONTENT_MISMATCH` for a package with another hash, and `UNSUPPORTED` for an entry
 * that is no JavaScript.
 */
export async function readPackage(
  name: string,
  sha256: string | undefined,
  { folder, call, timeoutMs = answerMs }: PackageOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const kept = sha256 === undefined ? undefined : readKept(`${folder}/${sha256}.js`);
  if (kept !== undefined) return kept;
  const bytes = await download(name, timeoutMs, call);
  const digest = await createKit().sha256(bytes);
  keep(folder, `${digest.slice("sha256:".length)}.js`, bytes);
  return bytes;
}

function readKept(path: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Deno.readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Keeps a file. It is a copy of what can be fetched again, so a folder that cannot be written to is no failure. */
function keep(folder: string, name: string, bytes: Uint8Array<ArrayBuffer>): void {
  try {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const part = `${folder}/${name}.${crypto.randomUUID()}`;
    Deno.writeFileSync(part, bytes, { mode: 0o600 });
    Deno.renameSync(part, `${folder}/${name}`);
  } catch {
    return;
  }
}

async function download(name: string, timeoutMs: number, call: Call): Promise<Uint8Array<ArrayBuffer>> {
  const at = name.lastIndexOf("@");
  const registry = readVariable("STRATA_NPM_REGISTRY") || readVariable("NPM_CONFIG_REGISTRY") || npmRegistry;
  const about = new URL(
    `${name.slice(0, at).replace("/", "%2f")}/${name.slice(at + 1)}`,
    `${registry.replace(/\/$/, "")}/`,
  );
  const ask = (url: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> =>
    request({ url, name, maxBytes, timeoutMs }, call);
  const facts = parseFacts(await ask(about.href, limits.facts), name);
  const { tarball, integrity, shasum } = fields(facts.dist);
  if (typeof tarball !== "string" || !URL.canParse(tarball)) throw wrong(name, "the registry names no file of it");
  const archive = await ask(tarball, limits.package);
  await checkIntegrity(archive, { name, integrity, shasum });
  return await unpackEntry(archive, { name, path: entryOf(facts, name) }, call);
}

function parseFacts(bytes: Uint8Array, name: string): Readonly<Record<string, unknown>> {
  try {
    return fields(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    throw wrong(name, "the registry's answer is no JSON");
  }
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return { ...Object(value) };
}

const algorithms = { sha512: "SHA-512", sha384: "SHA-384", sha256: "SHA-256" } as const;

interface Told {
  readonly name: string;
  /** Hashes as in "Subresource Integrity" (W3C): the strongest kind counts, and one of it has to match. */
  readonly integrity: unknown;
  /** SHA-1 in hex, for packages that were published before npm had the other. */
  readonly shasum: unknown;
}

async function checkIntegrity(bytes: Uint8Array<ArrayBuffer>, { name, integrity, shasum }: Told): Promise<void> {
  const hashes = typeof integrity === "string" ? integrity.trim().split(/\s+/) : [];
  for (const [prefix, algorithm] of Object.entries(algorithms)) {
    const told = hashes.filter((hash) => hash.startsWith(`${prefix}-`)).map((hash) => hash.split("?")[0]);
    if (told.length === 0) continue;
    const actual = `${prefix}-${new Uint8Array(await crypto.subtle.digest(algorithm, bytes)).toBase64()}`;
    if (told.includes(actual)) return;
    throw mismatch(name, told.join(" "), actual);
  }
  if (typeof shasum !== "string") throw wrong(name, "the registry tells no hash of it");
  const actual = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes)).toHex();
  if (actual !== shasum) throw mismatch(name, shasum, actual);
}

async function unpackEntry(
  archive: Uint8Array<ArrayBuffer>,
  wanted: { readonly name: string; readonly path: string },
  call: Call,
): Promise<Uint8Array<ArrayBuffer>> {
  const { name, path } = wanted;
  for await (const entry of createKit().readArchive(new Blob([archive]).stream(), call)) {
    // The folder that the files of a package are in has any name.
    if (entry.type !== "file" || entry.path.slice(entry.path.indexOf("/") + 1) !== path) continue;
    if (entry.size > limits.file) throw wrong(name, `its file has more than ${limits.file} bytes`);
    const { content } = entry;
    return content instanceof Uint8Array ? content : new Uint8Array(await new Response(await content()).arrayBuffer());
  }
  throw wrong(name, `it has no file "${path}"`);
}

interface Asked {
  readonly url: string;
  /** Name of the package. */
  readonly name: string;
  /** Most bytes of the answer. */
  readonly maxBytes: number;
  /** How long the whole answer may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** The whole answer to a request. */
async function request({ url, name, maxBytes, timeoutMs }: Asked, { signal }: Call): Promise<Uint8Array<ArrayBuffer>> {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, late]) });
    if (response.ok) return await collectBody(response, name, maxBytes);
    await response.body?.cancel();
    const isMissing = response.status === 404;
    throw new EngineError(
      isMissing ? "NOT_FOUND" : "REMOTE_FAILED",
      `Cannot fetch package "${name}": the registry answered ${response.status}`,
      { detail: isMissing ? { kind: "package", name } : { status: response.status, method: "GET", url } },
    );
  } catch (cause) {
    if (isEngineError(cause)) throw cause;
    if (signal.aborted) throw new EngineError("CANCELED", "Cannot fetch package: it was canceled", { cause });
    const said = cause instanceof Error ? cause.message : String(cause);
    const state = late.aborted ? `the registry did not answer within ${timeoutMs / 1000} s` : said;
    throw new EngineError("NETWORK_FAILED", `Cannot fetch package "${name}": ${state}`, {
      cause,
      detail: { host: new URL(url).host },
    });
  }
}

async function collectBody(response: Response, name: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw wrong(name, `the registry's answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Path of the file that an import of the package loads. */
function entryOf(facts: Readonly<Record<string, unknown>>, name: string): string {
  const { exports, module, main } = facts;
  const root: unknown = typeof exports === "object" && exports !== null && "." in exports ? exports["."] : exports;
  const entry = pick(root) ?? pick(module) ?? pick(main) ?? "index.js";
  const path = entry.replace(/^\.\//, "");
  if (/\.m?js$/.test(path)) return path;
  throw new EngineError("UNSUPPORTED", `Cannot use package "${name}": its entry "${path}" is no JavaScript module`, {
    detail: { what: "npm package", value: path },
  });
}

function pick(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return undefined;
  const conditions: Readonly<Record<string, unknown>> = { ...value };
  for (const name of ["deno", "import", "default"]) {
    const found = pick(conditions[name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function wrong(name: string, state: string): EngineError {
  return new EngineError("REMOTE_FAILED", `Cannot use package "${name}": ${state}`, { detail: { url: `npm:${name}` } });
}

function mismatch(name: string, expected: string, actual: string): EngineError {
  return new EngineError(
    "CONTENT_MISMATCH",
    `Cannot use package "${name}": its hash is ${actual}, the registry says ${expected}`,
    { detail: { expected, actual } },
  );
}
