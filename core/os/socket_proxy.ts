/** A socket that passes every connection on to another one. */
export interface SocketProxy extends Disposable {
  /** Absolute path. */
  readonly path: string;
}

/** Longest path that a socket may have (sockaddr_un, `sun_path` with its NUL). */
const maxPathBytes = 107;
const bufferBytes = 64 << 10;

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
    await Promise.all([forward(client, server), forward(server, client)]);
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

/** Passes on what one side says, and that it has said all. The streams of a connection do not do: to close one closes both. */
async function forward(from: Deno.UnixConn, to: Deno.UnixConn): Promise<void> {
  const buffer = new Uint8Array(bufferBytes);
  for (let size = await from.read(buffer); size !== null; size = await from.read(buffer)) {
    for (let written = 0; written < size;) written += await to.write(buffer.subarray(written, size));
  }
  await to.closeWrite();
}

function close(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
