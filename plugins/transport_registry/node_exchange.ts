import * as http from "node:http";
import * as https from "node:https";
import * as tls from "node:tls";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { ByteStream } from "../../core/contract/mod.ts";
import { readAddress } from "./address_range.ts";
import { type Body, type Exchange, type Incoming, isStreamed, type Outgoing } from "./exchange.ts";
import type { Route } from "./route.ts";

/** Bytes that are gathered before they are written; many small writes cost more than copying. */
const writeBytes = 256 * 1024;
/** Bytes that may be on their way out of the process; waiting for each write halves the speed. */
const maxPendingBytes = 1024 * 1024;

/** Silence after the last byte of an upload may be as many times longer: the server stores what it got. */
const storingPatience = 5;

/** Exchanges through `node:http`, which unlike `fetch` sends a streamed body with its length and can leave certificates unchecked. */
export class NodeExchanges {
  readonly #agents = new Map<string, http.Agent>();

  /** The exchange for a route. */
  for(route: Route): Exchange {
    return (outgoing) => exchange(outgoing, { route, agent: this.#agent(outgoing.url, route) });
  }

  /** Closes the connections that are kept. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #agent(url: URL, route: Route): http.Agent {
    const isSecure = url.protocol === "https:";
    const { ca, client, insecure, proxy } = route;
    const key = JSON.stringify([isSecure, ca, client, insecure, proxy?.href]);
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      agent = isSecure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
      this.#agents.set(key, agent);
    }
    return agent;
  }
}

interface Way {
  readonly route: Route;
  readonly agent: http.Agent;
}

async function exchange(outgoing: Outgoing, { route, agent }: Way): Promise<Incoming> {
  const { method, url, headers, body, signal } = outgoing;
  const isSecure = url.protocol === "https:";
  const options: https.RequestOptions = {
    method,
    agent,
    signal,
    headers: { ...headers, ...(body === undefined ? bodiless(method) : { "content-length": String(sizeOf(body)) }) },
    ...(isSecure ? tlsOptions(route) : {}),
  };
  const { proxy } = route;
  const request = await (async (): Promise<http.ClientRequest> => {
    if (proxy === undefined) return isSecure ? https.request(url, options) : http.request(url, options);
    if (!isSecure) return requestProxy(proxy, throughProxy(url, options));
    const socket = await openTunnel(url, { proxy, route, signal });
    // A tunnel serves one request: agents pool by target and would mix tunnels up.
    return https.request(url, { ...options, agent: false, createConnection: () => socket });
  })();
  return await talk(request, outgoing);
}

function talk(request: http.ClientRequest, { method, body, watchdog }: Outgoing): Promise<Incoming> {
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    request.on("error", reject);
    request.on("response", (response) => {
      isAnswered = true;
      resolve(readIncoming(response, method));
    });
    if (!isStreamed(body)) {
      request.end(body);
      return;
    }
    sendBody(request, { body, watchdog, isAnswered: () => isAnswered }).catch((cause) => {
      // What reading the content failed with counts, not that the request ended for it.
      reject(cause);
      request.destroy();
    });
  });
}

interface Sending {
  readonly body: Exclude<Body, Uint8Array>;
  readonly watchdog: Outgoing["watchdog"];
  readonly isAnswered: () => boolean;
}

/** Writes a body as fast as it is taken. Stops when the server answers early or the request fails. */
async function sendBody(request: http.ClientRequest, { body, watchdog, isAnswered }: Sending): Promise<void> {
  watchdog.pause();
  const reader = (await body.open()).getReader();
  const isOver = (): boolean => isAnswered() || request.destroyed;
  const outlet = new Outlet(request);
  let isDone = false;
  try {
    while (!isOver()) {
      watchdog.pause();
      const { chunk, isLast } = await gather(reader);
      watchdog.touch();
      isDone = isLast;
      if (chunk.length > 0 && !isOver()) await outlet.write(chunk);
      if (isLast) break;
    }
  } catch (cause) {
    isDone = true;
    throw cause;
  } finally {
    if (!isDone) await reader.cancel().catch(() => {});
  }
  if (!isOver()) {
    watchdog.touch(storingPatience);
    request.end();
  }
}

async function gather(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
): Promise<{ readonly chunk: Uint8Array; readonly isLast: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let isLast = false;
  while (size < writeBytes && !isLast) {
    const { done, value } = await reader.read();
    isLast = done;
    if (value !== undefined) chunks.push(value);
    size += value?.length ?? 0;
  }
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return { chunk: only, isLast };
  const chunk = new Uint8Array(size);
  let offset = 0;
  for (const part of chunks) {
    chunk.set(part, offset);
    offset += part.length;
  }
  return { chunk, isLast };
}

/** Writes to a request, a bounded number of bytes ahead of what the network takes. */
class Outlet {
  readonly #request: http.ClientRequest;
  #pending = 0;
  #wake: () => void = () => {};
  #isOver = false;

  constructor(request: http.ClientRequest) {
    this.#request = request;
    for (const event of ["close", "error", "response"]) request.once(event, () => this.#end());
  }

  /** Writes bytes; waits while too many are pending, but not for a request that is over. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#pending += bytes.length;
    this.#request.write(bytes, () => {
      this.#pending -= bytes.length;
      this.#wake();
    });
    while (this.#pending >= maxPendingBytes && !this.#isOver) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  #end(): void {
    this.#isOver = true;
    this.#wake();
  }
}

function readIncoming(response: http.IncomingMessage, method: string): Incoming {
  const headers = new Headers();
  for (let at = 0; at + 1 < response.rawHeaders.length; at += 2) {
    headers.append(response.rawHeaders[at] ?? "", response.rawHeaders[at + 1] ?? "");
  }
  const status = response.statusCode ?? 0;
  if (method === "HEAD" || status === 204 || status === 304) {
    response.resume();
    return { status, headers, body: null };
  }
  return { status, headers, body: Readable.toWeb(response) as ByteStream };
}

/** Headers of a request without a body; servers want a length where a body could be. */
function bodiless(method: string): Readonly<Record<string, string>> {
  return method === "GET" || method === "HEAD" ? {} : { "content-length": "0" };
}

function sizeOf(body: Body): number {
  return isStreamed(body) ? body.size : body.length;
}

function tlsOptions({ ca, client, insecure }: Route): tls.SecureContextOptions & { rejectUnauthorized: boolean } {
  return {
    rejectUnauthorized: !insecure,
    ...(ca.length === 0 ? {} : { ca: [...tls.rootCertificates, ...ca] }),
    ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
  };
}

/** Sends a request to a proxy, which may itself want encryption. */
function requestProxy(proxy: URL, options: http.RequestOptions): http.ClientRequest {
  const { protocol, hostname: host, port } = proxy;
  const headers = { ...options.headers, ...proxyLogin(proxy) };
  if (protocol !== "https:") return http.request({ ...options, host, port: port || 80, headers });
  return https.request({ ...options, agent: false, host, port: port || 443, headers });
}

/** What differs for a plain address, which a proxy takes with the whole address in place of the path. */
function throughProxy(url: URL, options: http.RequestOptions): http.RequestOptions {
  return {
    ...options,
    path: `${url.origin}${url.pathname}${url.search}`,
    headers: { ...options.headers, host: url.host },
  };
}

/** Opens an encrypted connection to a server through a proxy (RFC 9110, 9.3.6). */
function openTunnel(
  url: URL,
  { proxy, route, signal }: { readonly proxy: URL; readonly route: Route; readonly signal: AbortSignal },
): Promise<tls.TLSSocket> {
  const target = `${url.hostname}:${url.port || 443}`;
  return new Promise((resolve, reject) => {
    const headers = { host: target };
    const request = requestProxy(proxy, { method: "CONNECT", path: target, headers, signal, agent: false });
    request.on("error", reject);
    request.on("connect", (response: http.IncomingMessage, socket: Socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        reject(new TypeError(`the proxy answered ${response.statusCode}`));
        return;
      }
      // An address has no name to be told.
      const name = readAddress(url.hostname) === undefined ? { servername: url.hostname } : {};
      const secure = tls.connect({ socket, host: url.hostname, ...name, ...tlsOptions(route) }, () => resolve(secure));
      secure.on("error", reject);
    });
    request.end();
  });
}

function proxyLogin(proxy: URL): Readonly<Record<string, string>> {
  if (proxy.username === "") return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "proxy-authorization": `Basic ${new TextEncoder().encode(pair).toBase64()}` };
}
