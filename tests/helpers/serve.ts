import { startStrata, type StrataProcess, type StrataProcessOptions } from "./strata_process.ts";

/** A `strata serve` that a test started. */
export interface ServeProcess extends AsyncDisposable {
  readonly process: StrataProcess;
  /** Where it listens, e.g. `http://127.0.0.1:4321`, or `unix:///…/api.sock`. */
  readonly url: string;
  /** The address alone: host and port, or the path of the socket file. */
  readonly address: string;
  /** What requests to a port need; empty for a socket file. */
  readonly token: string;
  /** Sends a request with the token. The body of the answer has to be read or cancelled. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/**
 * Starts `strata serve` as a process of its own on a store's root, at a free port of 127.0.0.1 unless the arguments say where, and waits
 * until it listens. Disposing it kills it.
 */
export async function startServe(options: StrataProcessOptions, ...args: string[]): Promise<ServeProcess> {
  const isElsewhere = args.some((arg) => /^--(?:socket|listen)\b/.test(arg)) || args.includes("--");
  const listen = isElsewhere ? [] : ["--listen", "127.0.0.1:0"];
  const process = startStrata(options, "serve", ...listen, ...args.filter((arg) => arg !== "--"));
  let text = "";
  try {
    text = await process.seen(/Listening on \S+\n/);
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
  const url = /Listening on (\S+)\n/.exec(text)?.[1] ?? "";
  const token = /^Token: (\S+)$/m.exec(text)?.[1] ?? "";
  const isSocket = url.startsWith("unix://");
  const address = url.replace(/^[a-z]+:\/\//, "");
  const client = isSocket ? Deno.createHttpClient({ proxy: { transport: "unix", path: address } }) : undefined;
  return {
    process,
    url,
    address,
    token,
    fetch: (path, init) => {
      const headers = new Headers(init?.headers);
      if (token !== "" && !headers.has("authorization")) headers.set("authorization", `Bearer ${token}`);
      const base = isSocket ? "http://localhost" : url;
      return fetch(`${base}${path}`, { ...init, headers, ...(client === undefined ? {} : { client }) });
    },
    async [Symbol.asyncDispose](): Promise<void> {
      client?.close();
      await process[Symbol.asyncDispose]();
    },
  };
}
