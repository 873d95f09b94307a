import type { FaceName, ListenPlace } from "../api/mod.ts";
import { EngineError } from "../errors.ts";
import type { Flag, Input } from "./command.ts";

/** Faces that `--api` takes. */
const faceChoices: readonly FaceName[] = ["strata", "registry", "docker"];

/** Names of this machine for itself. */
export const localHosts: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** Flags of `strata serve`. */
export const serveFlags: readonly Flag[] = [
  {
    name: "socket",
    type: "string",
    value: "PATH",
    help: "Listen at this socket file; run/api.sock in the store's root otherwise",
  },
  { name: "listen", type: "string", value: "ADDRESS:PORT", help: "Listen at a port instead; requests need the token" },
  {
    name: "token-file",
    type: "string",
    value: "PATH",
    help: "Take the token from a file; a new one is printed otherwise",
  },
  { name: "tls-cert", type: "string", value: "PATH", help: "Certificate, in PEM, that is shown to clients" },
  { name: "tls-key", type: "string", value: "PATH", help: "Key of that certificate" },
  { name: "allow-host", type: "list", value: "NAME", help: "Answer requests to this host name too" },
  {
    name: "api",
    type: "list",
    value: "NAME",
    help: `What to speak, all by default: ${faceChoices.join(", ")}`,
    choices: faceChoices,
  },
  {
    name: "allow-context",
    type: "list",
    value: "DIR",
    help: "Let clients build folders in this one; none without, but what they send",
  },
  { name: "readonly", type: "boolean", help: "Refuse whatever changes something" },
];

/** What the flags say. */
export interface ServeInput {
  /** Path of the socket file; undefined for the usual one where `tcp` is undefined too. */
  readonly socket: string | undefined;
  readonly tcp: TcpInput | undefined;
  readonly tokenFile: string | undefined;
  readonly faces: readonly FaceName[] | undefined;
  readonly isReadonly: boolean;
  /** Absolute paths of folders in which build contexts may be. */
  readonly contextRoots: readonly string[];
}

/** A port to listen at. */
export interface TcpInput {
  readonly hostname: string;
  readonly port: number;
  /** Paths of certificate and key. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Names that requests may have as `Host`; any when undefined. */
  readonly hosts: readonly string[] | undefined;
}

/** Reads the flags. Throws `INVALID_ARGUMENT`; so it does for an address that others can reach without TLS. */
export function readServeFlags(input: Input): ServeInput {
  const socket = input.text("socket");
  if (socket === "") {
    throw refused("socket", "", "the path of --socket is empty", "Leave the flag out for the usual path");
  }
  return {
    socket: socket === undefined || socket.startsWith("/") ? socket : `${Deno.cwd()}/${socket}`,
    tcp: readTcp(input),
    tokenFile: input.text("token-file"),
    faces: readFaces(input.list("api")),
    isReadonly: input.isOn("readonly"),
    contextRoots: input.list("allow-context").map(readContextRoot),
  };
}

/** Where to listen, with the files of TLS read. Rejects `OS_FAILED`. */
export async function tcpPlace({ hostname, port, tls }: TcpInput): Promise<ListenPlace> {
  if (tls === undefined) return { type: "tcp", hostname, port };
  const [cert, key] = await Promise.all([readText(tls.cert), readText(tls.key)]);
  return { type: "tcp", hostname, port, tls: { cert, key } };
}

/** A text file of the user. Rejects `OS_FAILED`. */
export async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    const state = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError("OS_FAILED", `Cannot read file "${path}": ${state}`, { cause, detail: { path } });
  }
}

function readTcp(input: Input): TcpInput | undefined {
  const text = input.text("listen");
  const [cert, key] = [input.text("tls-cert"), input.text("tls-key")];
  if ((cert === undefined) !== (key === undefined)) {
    throw refused("tls-cert", cert ?? "", "--tls-cert and --tls-key need each other", "Give both");
  }
  const tls = cert === undefined || key === undefined ? undefined : { cert, key };
  if (text === undefined) {
    if (tls !== undefined) throw refused("tls-cert", "", "a socket file has no TLS", "Add --listen ADDRESS:PORT");
    return undefined;
  }
  const { hostname, port } = readAddress(text);
  const isLocal = isLoopback(hostname);
  if (!isLocal && tls === undefined) {
    throw refused(
      "listen",
      text,
      `others can reach "${text}", and what they send could be read on the way`,
      "Add --tls-cert and --tls-key, or listen at 127.0.0.1",
    );
  }
  const allowed = input.list("allow-host");
  const own = isLocal ? [...localHosts, hostname] : allowed.length > 0 ? [hostname] : undefined;
  return { hostname, port, tls, hosts: own === undefined ? undefined : [...new Set([...own, ...allowed])] };
}

function readAddress(text: string): { readonly hostname: string; readonly port: number } {
  const [, hostname = "", port = ""] = /^(.+|):([0-9]{1,5})$/.exec(text) ?? [];
  const isHost = /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])$/.test(hostname);
  if (isHost && Number(port) < 65_536) return { hostname, port: Number(port) };
  throw refused("listen", text, "it is no address and port", "Write it as --listen 127.0.0.1:5000");
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.[0-9]+\.[0-9]+\.[0-9]+$/.test(hostname);
}

function readFaces(names: readonly string[]): readonly FaceName[] | undefined {
  if (names.length === 0) return undefined;
  return names.flatMap((text) => text.split(",")).map((name) => {
    const face = faceChoices.find((known) => known === name);
    if (face !== undefined) return face;
    throw refused("api", name, `there is no API "${name}"`, `Choose of ${faceChoices.join(", ")}`);
  });
}

/** A folder that clients may build: where it is now, symlinks followed. Throws `NOT_FOUND`. */
function readContextRoot(path: string): string {
  try {
    const real = Deno.realPathSync(path);
    if (Deno.statSync(real).isDirectory) return real;
  } catch {
    // Absent, or not to be seen.
  }
  throw new EngineError("NOT_FOUND", `Cannot allow builds of "${path}": there is no such folder`, {
    detail: { kind: "folder", name: path },
    hint: "Make it first, or name another one with --allow-context",
  });
}

function refused(field: string, value: string, state: string, hint: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot serve: ${state}`, { detail: { field, value }, hint });
}
