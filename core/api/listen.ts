import type { Hono } from "hono";
import { EngineError } from "../errors.ts";
import type { ApiEnv, Connection } from "./context.ts";
import { bindSocket } from "./socket_file.ts";

/**
 * Where a server listens: a socket file that its user alone can connect to, or a port of an address, with TLS where both files are given.
 *
 * @example A socket file
 * ```ts
 * import type { ListenPlace } from "@strata/strata/api";
 *
 * const place: ListenPlace = { type: "unix", path: "/run/strata.sock" };
 * console.log(place.type);
 * ```
 */
export type ListenPlace =
  | { readonly type: "unix"; readonly path: string }
  | {
    readonly type: "tcp";
    readonly hostname: string;
    /** 0 for any that is free. */
    readonly port: number;
    /** Certificate and key in PEM. */
    readonly tls?: { readonly cert: string; readonly key: string };
  }
  | {
    readonly type: "inherited";
    /** Descriptor of a socket that listens already, as a service manager hands it over. */
    readonly descriptor: number;
    /** Path of its file; undefined for a port, which has to be one of this machine alone. */
    readonly path: string | undefined;
  };

/**
 * What listening is told.
 *
 * @example Any free port of this machine
 * ```ts
 * import type { ListenOptions } from "@strata/strata/api";
 *
 * const options: ListenOptions = { place: { type: "tcp", hostname: "127.0.0.1", port: 0 } };
 * console.log(options.place.type);
 * ```
 */
export interface ListenOptions {
  /** A socket file or a port. */
  readonly place: ListenPlace;
}

/**
 * A server that listens. Disposing it stops it at once.
 *
 * @example Stop when Ctrl-C is pressed
 * ```ts
 * import type { Listening } from "@strata/strata/api";
 *
 * function stopLater(server: Listening): void {
 *   Deno.addSignalListener("SIGINT", () => void server.stop());
 * }
 * ```
 */
export interface Listening extends AsyncDisposable {
  /** `unix://` and the path, or `http://` or `https://` with address and port. */
  readonly url: string;
  /** Takes no more connections, and resolves when the answers that are under way have been sent. */
  stop(): Promise<void>;
}

/**
 * Answers with an app at a place. Rejects `CONFLICT` when another server listens there, and `OS_FAILED` when one cannot listen there.
 *
 * @example Answer on a free port until it is disposed
 * ```ts
 * import { builtins, createEngine } from "@strata/strata";
 * import { createApi, listenApi } from "@strata/strata/api";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * await using server = await listenApi(createApi(engine), { place: { type: "tcp", hostname: "127.0.0.1", port: 0 } });
 * const answer = await fetch(`${server.url}/v2/`);
 * console.log(answer.status, await answer.text());
 * ```
 */
export async function listenApi(app: Hono<ApiEnv>, options: ListenOptions): Promise<Listening> {
  const { place } = options;
  if (place.type === "inherited") return await listenInherited(app, place);
  const controller = new AbortController();
  const serving: Serving = { app, signal: controller.signal, sending: new Set(), isStopping: false };
  const server = place.type === "unix"
    ? await bindSocket(place.path, () => serveUnix(serving, place.path))
    : serveTcp(serving, place);
  let isOver = false;
  void server.finished.then(() => isOver = true);
  return {
    url: urlOf(place, server.addr),
    async stop(): Promise<void> {
      serving.isStopping = true;
      // Shutting Deno's server down ends bodies of requests that are still being read, so those come first.
      while (serving.sending.size > 0 && !isOver) await Promise.race([server.finished, ...serving.sending]);
      if (!isOver) await server.shutdown();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      // A server that has stopped cannot be aborted any more.
      if (!isOver) controller.abort();
      await server.finished;
    },
  };
}

async function listenInherited(
  app: Hono<ApiEnv>,
  { descriptor, path }: Extract<ListenPlace, { readonly type: "inherited" }>,
): Promise<Listening> {
  const { serveInherited } = await import("./inherited.ts");
  const server = await serveInherited(app, descriptor);
  let stopping: Promise<void> | undefined;
  const listening: Listening = {
    url: path === undefined ? `http://${authority(server.port)}` : `unix://${path}`,
    stop: () => stopping ??= server.stop(),
    [Symbol.asyncDispose]: () => stopping ??= server.close(),
  };
  if (path !== undefined || isLoopback(server.port?.address ?? "")) return listening;
  await listening[Symbol.asyncDispose]();
  throw new EngineError(
    "INVALID_ARGUMENT",
    `Cannot listen at "${listening.url}": others can reach it, and it has no TLS`,
    {
      detail: { field: "LISTEN_FDS", value: String(descriptor) },
      hint: "Let the unit name a socket file or 127.0.0.1, or use --listen with --tls-cert and --tls-key",
    },
  );
}

function authority(at: { readonly address: string; readonly port: number } | undefined): string {
  const { address, port } = at ?? { address: "localhost", port: 0 };
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

interface Serving {
  readonly app: Hono<ApiEnv>;
  readonly signal: AbortSignal;
  /** Each settles when an answer that is under way has been sent. */
  readonly sending: Set<Promise<void>>;
  /** Whether no more requests are taken. */
  isStopping: boolean;
}

/** Answers a request, unless the server is stopping: then its client is told to try again, somewhere else or later. */
function answer(serving: Serving, request: Request, connection: Required<Connection>): Response | Promise<Response> {
  const { app, sending } = serving;
  if (serving.isStopping) {
    const headers = { "Connection": "close", "Retry-After": "1" };
    return Response.json({ message: "The server is stopping" }, { status: 503, headers });
  }
  const sent = connection.completed.catch(() => {});
  sending.add(sent);
  void sent.then(() => sending.delete(sent));
  return app.fetch(request, connection);
}

function serveUnix(serving: Serving, path: string): Deno.HttpServer<Deno.Addr> {
  const { signal } = serving;
  return Deno.serve(
    { path, signal, onListen: () => {} },
    (request, { completed }) => answer(serving, request, { client: "unix", completed, isPassing: true }),
  );
}

function serveTcp(
  serving: Serving,
  { hostname, port, tls }: Extract<ListenPlace, { readonly type: "tcp" }>,
): Deno.HttpServer<Deno.Addr> {
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  try {
    return Deno.serve(
      { hostname: address, port, signal: serving.signal, onListen: () => {}, ...(tls ?? {}) },
      (request, { completed, remoteAddr }) => {
        const client = "hostname" in remoteAddr ? remoteAddr.hostname : "";
        return answer(serving, request, { client, completed, isPassing: true });
      },
    );
  } catch (cause) {
    const shown = `${hostname}:${port}`;
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new EngineError("CONFLICT", `Cannot listen at "${shown}": another server listens there`, {
        cause,
        detail: { kind: "address", name: shown },
        hint: "Stop it, or choose another port",
      });
    }
    const state = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError("OS_FAILED", `Cannot listen at "${shown}": ${state}`, { cause, detail: { address: shown } });
  }
}

function urlOf(place: Exclude<ListenPlace, { readonly type: "inherited" }>, addr: Deno.Addr): string {
  if (place.type === "unix") return `unix://${place.path}`;
  const port = "port" in addr ? addr.port : place.port;
  const host = place.hostname.includes(":") ? `[${place.hostname.replace(/^\[|\]$/g, "")}]` : place.hostname;
  return `${place.tls === undefined ? "http" : "https"}://${host}:${port}`;
}
