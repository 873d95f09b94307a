import type { ApiOptions, Listening, ListenPlace } from "../../api/mod.ts";
import type { Engine } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import { type InheritedSocket, inheritedSockets } from "../../image/inherited_sockets.ts";
import type { Command, Context, Input } from "../command.ts";
import { enterWherePossible } from "../enter_namespace.ts";
import { formatError } from "../error_text.ts";
import { localHosts, readServeFlags, readText, serveFlags, type ServeInput, tcpPlace } from "../serve_flags.ts";

/** How long work that is under way may take to end after the first signal, in milliseconds. */
const finishMs = 20_000;

/** `strata serve`. */
export const command: Command = {
  usage: "[OPTIONS]",
  description:
    "Answers requests over HTTP until it is interrupted: as strata's own API, which /v1/docs tells of, as a registry whose repositories are the images of the store, and to the docker client as a daemon for images. It listens at a socket file that this user alone can open, at a port, or at the sockets that a service manager such as systemd hands over.",
  flags: serveFlags,
  words: { min: 0, max: 0 },
  complete: "none",
  examples: [
    ["strata serve", "at the socket file run/api.sock in the store's root"],
    ["strata serve --listen 127.0.0.1:5000", "at a port of this machine; prints the token that requests need"],
    ["strata serve --listen 127.0.0.1:5000 --api registry --readonly", "a registry that only gives"],
  ],
  async run(input: Input, context: Context): Promise<number> {
    const serve = readServeFlags(input);
    if (mayBuild(serve, context)) await enterWherePossible();
    const engine = await context.openEngine();
    const work = new AbortController();
    const jobs = new Set<Promise<void>>();
    context.extendGrace(finishMs + 5_000);
    await using stack = new AsyncDisposableStack();
    const servers: Listening[] = [];
    for (const options of await readListeners(serve, engine, context)) {
      const { createApi, listenApi } = await import("../../api/mod.ts");
      const app = createApi(engine, {
        ...options.api,
        ending: context.call.signal,
        signal: work.signal,
        onWork: (job) => void jobs.add(job.finally(() => jobs.delete(job))),
        onFailure: (error) => tell(error, context),
      });
      const server = stack.use(await listenApi(app, { place: options.place }));
      servers.push(server);
      context.terminal.err(`Listening on ${server.url}\n`);
    }
    await untilAborted(context.call.signal);
    context.terminal.err("Stopping: requests that are under way are finished; interrupt again to end at once\n");
    await stopServers(servers, { work, jobs });
    return 0;
  },
};

/** Whether requests may build. Sockets that were handed over do not go along into another process. */
function mayBuild({ isReadonly, faces }: ServeInput, context: Context): boolean {
  const builds = faces === undefined || faces.some((face) => face !== "registry");
  return builds && !isReadonly && context.environment("LISTEN_FDS") === undefined;
}

interface Listener {
  readonly place: ListenPlace;
  readonly api: ApiOptions;
}

async function readListeners(serve: ServeInput, engine: Engine, context: Context): Promise<readonly Listener[]> {
  const common: ApiOptions = {
    isReadonly: serve.isReadonly,
    contextRoots: serve.contextRoots,
    ...(serve.faces === undefined ? {} : { faces: serve.faces }),
  };
  const inherited = serve.socket === undefined && serve.tcp === undefined
    ? await inheritedSockets((name) => context.environment(name))
    : [];
  if (inherited.length > 0) return await readInherited({ serve, inherited, common }, context);
  if (serve.tcp === undefined && serve.tokenFile !== undefined) {
    throw new EngineError("INVALID_ARGUMENT", "Cannot serve: a socket file needs no token", {
      detail: { field: "token-file", value: serve.tokenFile },
      hint: "Add --listen ADDRESS:PORT",
    });
  }
  const listeners: Listener[] = [];
  if (serve.socket !== undefined || serve.tcp === undefined) {
    listeners.push({ place: { type: "unix", path: serve.socket ?? await usualSocket(engine) }, api: common });
  }
  if (serve.tcp === undefined) return listeners;
  const { hosts } = serve.tcp;
  const token = await readToken(serve.tokenFile, context);
  const api = { ...common, token, ...(hosts === undefined ? {} : { hosts }) };
  return [...listeners, { place: await tcpPlace(serve.tcp), api }];
}

/** Those who come by a port of this machine need the token; the mode of a socket file says who may open it. */
async function readInherited(
  { serve, inherited, common }: {
    readonly serve: ServeInput;
    readonly inherited: readonly InheritedSocket[];
    readonly common: ApiOptions;
  },
  context: Context,
): Promise<readonly Listener[]> {
  const hasPort = inherited.some(({ path }) => path === undefined);
  const port = hasPort ? { token: await readToken(serve.tokenFile, context), hosts: localHosts } : {};
  return inherited.map(({ descriptor, path }) => ({
    place: { type: "inherited", descriptor, path },
    api: path === undefined ? { ...common, ...port } : common,
  }));
}

async function usualSocket({ config: { root } }: Engine): Promise<string> {
  await Deno.mkdir(`${root}/run`, { recursive: true, mode: 0o700 });
  return `${root}/run/api.sock`;
}

/** The token of the file; a new one, which is shown once, where none is named. */
async function readToken(path: string | undefined, { terminal }: Context): Promise<string> {
  if (path === undefined) {
    const token = crypto.getRandomValues(new Uint8Array(24)).toHex();
    terminal.err(`Token: ${token}\n`);
    return token;
  }
  const token = (await readText(path)).trim();
  if (token.length >= 16 && !/\s/.test(token)) return token;
  throw new EngineError(
    "INVALID_ARGUMENT",
    `Cannot use token file "${path}": expected one word of 16 characters or more`,
    {
      detail: { field: "token-file", value: path },
      hint: `Write one with: openssl rand -hex 24 > ${path}`,
    },
  );
}

/** Lets work end, that of requests first; aborts it and ends their connections when that takes too long. */
async function stopServers(
  servers: readonly Listening[],
  { work, jobs }: { readonly work: AbortController; readonly jobs: ReadonlySet<Promise<void>> },
): Promise<void> {
  const timer = setTimeout(() => {
    work.abort();
    for (const server of servers) void server[Symbol.asyncDispose]();
  }, finishMs);
  try {
    await Promise.all(servers.map((server) => server.stop()));
    await Promise.all(jobs);
  } finally {
    clearTimeout(timer);
    // What waits for a request that will not come, such as half an upload, is dropped.
    work.abort();
    await Promise.all(jobs);
  }
}

function tell(error: EngineError, { terminal }: Context): void {
  terminal.err(formatError(error, terminal.hasColor));
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}
