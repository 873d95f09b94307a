/** A socket that passes every connection on to another one. */
export interface SocketProxy extends Disposable {
  /** Absolute path. */
  readonly path: string;
}

/** Longest path that a socket may have (sockaddr_un, `sun_path` with its NUL). */
const maxPathBytes = 107;

/** Whether a socket can be made at a path. */
export function isSocketPath(path: string): boolean {
  return new TextEncoder().encode(path).length <= maxPathBytes;
}

/** Listens at a path, which must not be there, for connections to another socket of this host. */
export function openSocketProxy(path: string, target: string): SocketProxy {
  const listener = Deno.listen({ transport: "unix", path });
  const open = new Set<Deno.UnixConn>();
  const serve = async (): Promise<void> => {
    for await (const client of listener) void pass(client, target, open);
  };
  // Closing the listener ends the loop with an error of its own.
  serve().catch(() => {});
  return {
    path,
    [Symbol.dispose](): void {
      listener.close();
      for (const connection of open) close(connection);
    },
  };
}

async function pass(client: Deno.UnixConn, target: string, open: Set<Deno.UnixConn>): Promise<void> {
  open.add(client);
  let server: Deno.UnixConn | undefined;
  try {
    server = await Deno.connect({ transport: "unix", path: target });
    open.add(server);
    await Promise.all([client.readable.pipeTo(server.writable), server.readable.pipeTo(client.writable)]);
  } catch {
    // Either side may hang up at any time; the other one learns it by its own connection being closed.
  } finally {
    for (const connection of [client, server]) {
      if (connection === undefined) continue;
      open.delete(connection);
      close(connection);
    }
  }
}

function close(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
