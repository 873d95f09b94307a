import type { InheritedSocket } from "../os/inherited_socket.ts";

export type { InheritedSocket } from "../os/inherited_socket.ts";

/** The sockets that a service manager has handed to this process, as {@linkcode findInheritedSockets} of core/os says. */
export async function inheritedSockets(
  variable: (name: string) => string | undefined,
): Promise<readonly InheritedSocket[]> {
  const [listenPid, listenFds] = [variable("LISTEN_PID"), variable("LISTEN_FDS")];
  if (listenPid === undefined || listenFds === undefined) return [];
  const { findInheritedSockets } = await import("../os/inherited_socket.ts");
  return findInheritedSockets({ listenPid, listenFds });
}
