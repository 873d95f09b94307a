import { RegistryContent } from "./registry_content.ts";
import { plainBehaviour, type RegistryBehaviour, RegistryHandler } from "./registry_handler.ts";
import { LoginDesk, type RegistryLogin } from "./registry_login.ts";

/** A request as the server saw it. */
export interface SeenRequest {
  /** HTTP method. */
  readonly method: string;
  /** Path, without query. */
  readonly path: string;
  /** Query, with its question mark; empty when there is none. */
  readonly query: string;
  /** Headers. */
  readonly headers: Headers;
  /** Status of the answer; undefined as long as there is none. */
  status: number | undefined;
}

/**
 * Stands between a request and its answer: it may answer in place of the registry, or change what `next` gives. Helpers for the
 * usual faults are in registry_fault.ts. `closing` comes when the server is to end, for a fault that waits.
 */
export type Fault = (
  request: Request,
  next: (request: Request) => Promise<Response>,
  closing: Promise<void>,
) => Response | Promise<Response>;

/** Which requests a fault strikes. */
export interface Target {
  /** HTTP method; any when left out. */
  readonly method?: string;
  /** What the path is like; any when left out. */
  readonly path?: RegExp;
  /** How many requests; one when left out. */
  readonly times?: number;
}

/** What {@linkcode startRegistryServer} may be told. */
export interface RegistryServerOptions {
  /** Ways in which it differs from the spec. */
  readonly behaviour?: Partial<RegistryBehaviour>;
  /** How it asks for a login; it does not when left out. */
  readonly login?: RegistryLogin;
  /** Certificate and key in PEM, for TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** What it holds; nothing when left out. Several servers may hold the same. */
  readonly content?: RegistryContent;
}

/** A registry in this process, on a free port of this host, that does what it is told wrong. */
export interface RegistryServer extends AsyncDisposable {
  /** Host and port. */
  readonly host: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** What it holds. */
  readonly content: RegistryContent;
  /** What was asked so far, in order. */
  readonly requests: readonly SeenRequest[];
  /** Uploads that were begun and neither ended nor cancelled. */
  readonly openUploads: number;
  /** Makes something go wrong; faults that are due strike in the order they were given, one a request. */
  inject(target: Target, fault: Fault): void;
  /** The requests so far as lines of method and path. */
  lines(): string[];
}

interface Armed {
  readonly target: Target;
  readonly fault: Fault;
  left: number;
}

/** Starts a registry that abides by the distribution-spec, but for what `options` and injected faults say. */
export function startRegistryServer(options: RegistryServerOptions = {}): RegistryServer {
  const content = options.content ?? new RegistryContent();
  const handler = new RegistryHandler(content, { ...plainBehaviour, ...options.behaviour });
  const desk = options.login === undefined ? undefined : new LoginDesk(options.login);
  const requests: SeenRequest[] = [];
  const armed: Armed[] = [];
  const closing = Promise.withResolvers<void>();
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (desk === undefined || pathname.startsWith("/cdn/")) return await handler.answer(request);
    if (pathname === "/token") return await desk.token(request);
    const refused = desk.check(request);
    if (refused === undefined) return await handler.answer(request);
    await request.body?.cancel();
    return refused;
  };
  const serve = async (request: Request): Promise<Response> => {
    const { pathname: path, search: query } = new URL(request.url);
    const seen: SeenRequest = { method: request.method, path, query, headers: request.headers, status: undefined };
    requests.push(seen);
    const due = armed.find(({ target, left }) => left > 0 && isStruck(target, seen));
    if (due !== undefined) due.left--;
    const response = due === undefined ? await answer(request) : await due.fault(request, answer, closing.promise);
    seen.status = response.status;
    return response;
  };
  const onError = (error: unknown): Response => new Response(String(error), { status: 500 });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError, ...options.tls },
    (request) => serve(request),
  );
  const host = `127.0.0.1:${server.addr.port}`;
  return {
    host,
    origin: `${options.tls === undefined ? "http" : "https"}://${host}`,
    content,
    requests,
    get openUploads(): number {
      return handler.openUploads;
    },
    inject: (target, fault) => void armed.push({ target, fault, left: target.times ?? 1 }),
    lines: () => requests.map(({ method, path }) => `${method} ${path}`),
    [Symbol.asyncDispose]: async () => {
      closing.resolve();
      await server.shutdown();
    },
  };
}

function isStruck({ method, path }: Target, seen: SeenRequest): boolean {
  return (method === undefined || method === seen.method) && (path === undefined || path.test(seen.path));
}
