import type { Hono } from "hono";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { EngineError } from "../errors.ts";
import type { ApiEnv, Connection } from "./context.ts";

/** A server on a socket that listens already. Deno's own can only listen at a place that they open themselves. */
export interface InheritedServer {
  /** Address of a port; undefined of a socket file. */
  readonly port: { readonly address: string; readonly port: number } | undefined;
  /** Takes no more connections, and resolves when the answers that are under way have been sent. The socket itself stays. */
  stop(): Promise<void>;
  /** Ends connections too. */
  close(): Promise<void>;
}

/** Answers with an app at a descriptor of a socket that listens. Rejects `OS_FAILED`. */
export async function serveInherited(app: Hono<ApiEnv>, descriptor: number): Promise<InheritedServer> {
  const { createServer } = await import("node:http");
  const working = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const work = answer(app, request, response).catch(() => void response.destroy());
    working.add(work);
    void work.then(() => working.delete(work));
  });
  await listen(server, descriptor);
  const address = server.address();
  const closed = new Promise<void>((resolve) => server.once("close", resolve));
  const stop = async (): Promise<void> => {
    server.close();
    server.closeIdleConnections();
    await Promise.all(working);
    server.closeAllConnections();
    await closed;
  };
  return {
    port: typeof address === "object" && address !== null && "port" in address ? address : undefined,
    stop,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await Promise.all(working);
      await closed;
    },
  };
}

async function listen(server: Server, descriptor: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ fd: descriptor }, resolve);
  try {
    await promise;
  } catch (cause) {
    const state = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError("OS_FAILED", `Cannot listen at inherited descriptor ${descriptor}: ${state}`, { cause });
  }
}

async function answer(app: Hono<ApiEnv>, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const completed = Promise.withResolvers<void>();
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
    completed.resolve();
  });
  const client = message.socket.remoteAddress ?? "unix";
  const connection: Connection = { client, completed: completed.promise };
  const answered = await app.fetch(await requestOf(message, gone.signal), connection);
  response.writeHead(answered.status, [...answered.headers].flat());
  await send(answered.body, response);
  // Whoever has the answer need not send the rest of a body that nobody reads.
  if (!message.complete) message.destroy();
}

async function requestOf(message: IncomingMessage, signal: AbortSignal): Promise<Request> {
  const { method = "GET", url = "/", rawHeaders } = message;
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  const hasBody = headers.has("transfer-encoding") || Number(headers.get("content-length") ?? 0) > 0;
  const at = new URL(url, `http://${headers.get("host") || "localhost"}`);
  if (!hasBody || method === "GET" || method === "HEAD") return new Request(at, { method, headers, signal });
  const { Readable } = await import("node:stream");
  return new Request(at, { method, headers, signal, body: ReadableStream.from(Readable.from(message)) });
}

/** Sends a body as fast as the client takes it. */
async function send(body: ReadableStream<Uint8Array> | null, response: ServerResponse): Promise<void> {
  if (body !== null) {
    for await (const chunk of body) {
      if (response.destroyed) break;
      if (!response.write(chunk)) await drained(response);
    }
  }
  response.end();
  if (!response.writableFinished && !response.destroyed) await once(response, ["finish", "close"]);
}

async function drained(response: ServerResponse): Promise<void> {
  if (!response.destroyed) await once(response, ["drain", "close"]);
}

async function once(response: ServerResponse, events: readonly string[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const event of events) response.once(event, resolve);
  await promise;
  for (const event of events) response.off(event, resolve);
}
