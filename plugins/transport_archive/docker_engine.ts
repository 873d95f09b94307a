import type { IncomingMessage, RequestOptions } from "node:http";
import type { Call, Kit } from "../../core/contract/mod.ts";
import { type DockerHost, showDockerHost } from "./docker_host.ts";

/** Most bytes of an answer that are read for its message. */
const maxMessageBytes = 64 * 1024;
/** Most characters of a message of the engine that are shown. */
const maxShownMessage = 2048;

/** Bytes read from a file at once. */
const chunkBytes = 256 * 1024;

/** What is asked of a Docker Engine. */
export interface EngineRequest {
  /** HTTP method. */
  readonly method: "GET" | "POST";
  /** Path with its query, without version: the engine takes its own. */
  readonly path: string;
  /** File that is sent as a tar; nothing is when left out. */
  readonly body?: string;
  /** What the work is called in messages: a verb and what the user named. */
  readonly work: string;
}

/** How to speak to an engine. */
export interface EngineAccess {
  readonly host: DockerHost;
  readonly kit: Kit;
}

/** Answer whose body is still to be read, to its end or not at all. */
export type EngineAnswer = AsyncIterable<Uint8Array<ArrayBuffer>> & Pick<IncomingMessage, "destroy">;

/**
 * Asks a Docker Engine and gives the body of its answer (Docker Engine API, "Images"). Rejects `NETWORK_FAILED` when it does not answer,
 * `NOT_FOUND` for 404 and `REMOTE_FAILED` for other errors it tells of.
 */
export async function askEngine(access: EngineAccess, request: EngineRequest, call: Call): Promise<EngineAnswer> {
  const answer = await exchange(access, request, call);
  if (answer.statusCode === 200) return answer;
  const { kit } = access;
  const text = await readText(answer).catch(() => "");
  const message = messageOf(text);
  const status = answer.statusCode ?? 0;
  const state = `docker answered ${status}${message === "" ? "" : `: ${message}`}`;
  if (status === 404) {
    throw kit.error("NOT_FOUND", `Cannot ${request.work}: ${state}`, { detail: { kind: "image", name: request.path } });
  }
  throw kit.error("REMOTE_FAILED", `Cannot ${request.work}: ${state}`, { detail: { status, method: request.method } });
}

/**
 * Reads what an engine tells while it works, JSON objects one a line, to the end. Rejects `REMOTE_FAILED` when one of them is an error,
 * which comes with a status of success.
 */
export async function readProgress(answer: EngineAnswer, work: string, { kit }: EngineAccess): Promise<void> {
  for (const line of (await readText(answer)).split("\n")) {
    const message = /"error(?:Detail)?"/.test(line) ? messageOf(line) : "";
    if (message !== "") {
      throw kit.error("REMOTE_FAILED", `Cannot ${work}: docker answered: ${message}`, { detail: { status: 200 } });
    }
  }
}

async function exchange({ host, kit }: EngineAccess, request: EngineRequest, call: Call): Promise<IncomingMessage> {
  const { request: open } = await import("node:http");
  const { method, path, body } = request;
  const file = body === undefined ? undefined : await Deno.open(body);
  try {
    const size = file === undefined ? 0 : (await file.stat()).size;
    const headers = file === undefined ? {} : { "content-type": "application/x-tar", "content-length": String(size) };
    // The name in the Host header is the one that docker's own client gives to a socket.
    const options: RequestOptions = { ...host, method, path, signal: call.signal, agent: false, headers };
    const outgoing = open("socketPath" in host ? { ...options, hostname: "docker" } : options);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    outgoing.on("response", resolve);
    outgoing.on("error", reject);
    if (file === undefined) outgoing.end();
    else await Promise.race([promise, sendFile(file, outgoing)]);
    return await promise;
  } catch (cause) {
    if (call.signal.aborted) throw kit.error("CANCELED", `Cannot ${request.work}: canceled`, { cause });
    throw unreachable({ host, kit }, request.work, cause);
  } finally {
    file?.close();
  }
}

interface Outgoing {
  write(chunk: Uint8Array): boolean;
  end(): unknown;
  once(event: "drain" | "close", act: () => void): unknown;
  readonly destroyed: boolean;
}

async function sendFile(file: Deno.FsFile, outgoing: Outgoing): Promise<void> {
  while (!outgoing.destroyed) {
    const chunk = new Uint8Array(chunkBytes);
    const count = file.readSync(chunk);
    if (count === null) break;
    if (outgoing.write(chunk.subarray(0, count))) continue;
    await new Promise<void>((resolve) => {
      outgoing.once("drain", resolve);
      outgoing.once("close", resolve);
    });
  }
  outgoing.end();
}

async function readText(answer: EngineAnswer): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of answer) {
    // Of a long answer the end tells how it went.
    text = (text + decoder.decode(chunk, { stream: true })).slice(-maxMessageBytes);
  }
  return text;
}

/** The message in an error as the engine writes them; the text itself when it is none. */
function messageOf(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return "";
    const message = "message" in value ? value.message : "error" in value ? value.error : "";
    return typeof message === "string" ? message.slice(0, maxShownMessage) : "";
  } catch {
    return text.trim().slice(0, maxShownMessage);
  }
}

function unreachable({ host, kit }: EngineAccess, work: string, cause: unknown): Error {
  const shown = showDockerHost(host);
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const isDenied = code === "EACCES" || code === "EPERM";
  const reason = cause instanceof Error ? cause.message : String(cause);
  return kit.error(isDenied ? "DENIED" : "NETWORK_FAILED", `Cannot ${work}: docker does not answer: ${reason}`, {
    cause,
    detail: { host: shown },
    hint: isDenied
      ? `Run strata as a user that may use "${shown}"`
      : "Start the Docker daemon, or name its socket with DOCKER_HOST",
  });
}
