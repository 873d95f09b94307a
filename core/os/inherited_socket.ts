import { EngineError } from "../errors.ts";

/** First descriptor that a service manager hands over (sd_listen_fds(3), SD_LISTEN_FDS_START). */
const firstDescriptor = 3;

/** A socket that listens already and that this process was started with. */
export interface InheritedSocket {
  readonly descriptor: number;
  /** Path of the socket file; undefined for a port. */
  readonly path: string | undefined;
}

/**
 * The sockets that a service manager has handed to this process (sd_listen_fds(3)): none unless `LISTEN_PID` names it. Throws
 * `INVALID_ARGUMENT` for what is no socket, and for a socket file that everybody can open.
 */
export function findInheritedSockets(
  { listenPid, listenFds }: { readonly listenPid: string | undefined; readonly listenFds: string | undefined },
): readonly InheritedSocket[] {
  const count = Number(listenFds ?? 0);
  if (Deno.build.os !== "linux" || listenPid !== String(Deno.pid) || !(count >= 1 && count <= 64)) return [];
  return Array.from({ length: count }, (_, at) => describe(firstDescriptor + at));
}

function describe(descriptor: number): InheritedSocket {
  const [, inode] = /^socket:\[([0-9]+)\]$/.exec(Deno.readLinkSync(`/proc/self/fd/${descriptor}`)) ?? [];
  if (inode === undefined) throw refused(descriptor, "it is no socket", "Let the unit name sockets alone");
  // Columns of /proc/net/unix: Num RefCount Protocol Flags Type St Inode Path (proc_net_unix(5)).
  for (const line of Deno.readTextFileSync("/proc/net/unix").split("\n")) {
    const [, found, path] = /^\S+ \S+ \S+ \S+ \S+ \S+ +([0-9]+)(?: (.*))?$/.exec(line) ?? [];
    if (found !== inode) continue;
    checkMode(descriptor, path);
    return { descriptor, path };
  }
  return { descriptor, path: undefined };
}

/** Whoever opens the socket does what its user may do; a unit that says nothing lets everybody. */
function checkMode(descriptor: number, path: string | undefined): void {
  if (path === undefined || !path.startsWith("/")) {
    throw refused(descriptor, "it has no file whose mode says who may open it", "Let the unit name a path");
  }
  if (((Deno.lstatSync(path).mode ?? 0) & 0o006) === 0) return;
  throw refused(
    descriptor,
    `everybody can open "${path}"`,
    "Set SocketMode=0600 in the unit, or 0660 with SocketGroup=",
  );
}

function refused(descriptor: number, state: string, hint: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot listen at inherited descriptor ${descriptor}: ${state}`, {
    detail: { field: "LISTEN_FDS", value: String(descriptor) },
    hint,
  });
}
