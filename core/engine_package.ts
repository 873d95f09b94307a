import { readVariable } from "./config.ts";
import type { Call } from "./contract/call.ts";
import { EngineError } from "./errors.ts";
import { createKit } from "./kit.ts";

/** Most bytes of a package, and of the file of it that is the plugin. */
const limits = { package: 32 * 1024 * 1024, file: 8 * 1024 * 1024 };

const npmRegistry = "https://registry.npmjs.org";

/** Where packages are from and kept. */
export interface PackageOptions {
  /** Folder that files of packages are kept in, by sha256. */
  readonly folder: string;
  /** Stops the download. */
  readonly call: Call;
}

/**
 * The file that an npm package, `name@version`, has as its entry: from the folder when its sha256 is known and it is there, else from the
 * registry (`STRATA_NPM_REGISTRY`, `NPM_CONFIG_REGISTRY`). Rejects `NOT_FOUND`, `REMOTE_FAILED` and `NETWORK_FAILED`, and `UNSUPPORTED` for an entry that
 * is no JavaScript.
 */
export async function readPackage(
  name: string,
  sha256: string | undefined,
  { folder, call }: PackageOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const kept = sha256 === undefined ? undefined : readKept(`${folder}/${sha256}.js`);
  if (kept !== undefined) return kept;
  const bytes = await download(name, call);
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

async function download(name: string, call: Call): Promise<Uint8Array<ArrayBuffer>> {
  const at = name.lastIndexOf("@");
  const registry = readVariable("STRATA_NPM_REGISTRY") || readVariable("NPM_CONFIG_REGISTRY") || npmRegistry;
  const about = new URL(
    `${name.slice(0, at).replace("/", "%2f")}/${name.slice(at + 1)}`,
    `${registry.replace(/\/$/, "")}/`,
  );
  const facts: unknown = await (await request(about.href, name, call)).json();
  const tarball: unknown = Object(Object(facts).dist).tarball;
  if (typeof tarball !== "string") throw wrong(name, "the registry names no file of it");
  const response = await request(tarball, name, call);
  if (response.body === null) throw wrong(name, "the registry gave no file of it");
  const wanted = entryOf(Object(facts), name);
  for await (const entry of createKit().readArchive(limited(response.body, name), call)) {
    // The folder that the files of a package are in has any name.
    if (entry.type !== "file" || entry.path.slice(entry.path.indexOf("/") + 1) !== wanted) continue;
    if (entry.size > limits.file) throw wrong(name, `its file has more than ${limits.file} bytes`);
    const { content } = entry;
    return content instanceof Uint8Array ? content : new Uint8Array(await new Response(await content()).arrayBuffer());
  }
  throw wrong(name, `it has no file "${wanted}"`);
}

function limited(body: ReadableStream<Uint8Array<ArrayBuffer>>, name: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  let size = 0;
  return body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller): void {
        size += chunk.length;
        if (size > limits.package) controller.error(wrong(name, `it has more than ${limits.package} bytes`));
        else controller.enqueue(chunk);
      },
    }),
  );
}

async function request(url: string, name: string, { signal }: Call): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (cause) {
    if (signal.aborted) throw new EngineError("CANCELED", "Cannot fetch package: it was canceled", { cause });
    const state = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError("NETWORK_FAILED", `Cannot fetch package "${name}": ${state}`, {
      cause,
      detail: { host: new URL(url).host },
    });
  }
  if (response.ok) return response;
  await response.body?.cancel();
  const isMissing = response.status === 404;
  throw new EngineError(
    isMissing ? "NOT_FOUND" : "REMOTE_FAILED",
    `Cannot fetch package "${name}": the registry answered ${response.status}`,
    { detail: isMissing ? { kind: "package", name } : { status: response.status, method: "GET", url } },
  );
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
