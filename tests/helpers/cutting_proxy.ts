/** When a connection is broken. */
export interface Cut {
  /** Which bytes count: those to the server, or those from it. */
  readonly direction: "up" | "down";
  /** Bytes that pass, over all connections from now on. */
  readonly afterBytes: number;
}

/** Stands between a client and a server on this host and breaks connections. */
export interface CuttingProxy extends AsyncDisposable {
  /** Host and port to connect to. */
  readonly host: string;
  /** Connections so far. */
  readonly connections: number;
  /** Breaks one connection; cuts that are given one after the other strike one after the other. */
  cut(cut: Cut): void;
  /** Gives up on the server: connections end as soon as they begin. */
  refuse(): void;
}

interface Armed extends Cut {
  left: number;
}

/** Starts a proxy in front of `target`, a host and port. It passes bytes and knows nothing of HTTP or TLS. */
export function startCuttingProxy(target: string): CuttingProxy {
  const [hostname = "", port = ""] = target.split(":");
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const running = new Set<Promise<void>>();
  const cuts: Armed[] = [];
  let connections = 0;
  let isRefusing = false;
  const close = (connection: Deno.Conn): void => {
    if (!open.delete(connection)) return;
    connection.close();
  };
  const serve = async (client: Deno.Conn): Promise<void> => {
    open.add(client);
    if (isRefusing) return close(client);
    const server = await Deno.connect({ hostname, port: Number(port) });
    open.add(server);
    const end = (): void => {
      close(client);
      close(server);
    };
    await Promise.all([
      pass(client, server, { direction: "up", cuts, end }),
      pass(server, client, { direction: "down", cuts, end }),
    ]);
    end();
  };
  const accepting = (async (): Promise<void> => {
    for await (const client of listener) {
      connections++;
      const serving = serve(client).catch(() => close(client));
      running.add(serving);
      void serving.then(() => running.delete(serving));
    }
  })();
  return {
    host: `127.0.0.1:${listener.addr.port}`,
    get connections(): number {
      return connections;
    },
    cut: (cut) => void cuts.push({ ...cut, left: cut.afterBytes }),
    refuse: () => void (isRefusing = true),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      listener.close();
      for (const connection of [...open]) close(connection);
      await accepting;
      await Promise.all(running);
    },
  };
}

interface Passing {
  readonly direction: Cut["direction"];
  readonly cuts: Armed[];
  readonly end: () => void;
}

async function pass(from: Deno.Conn, to: Deno.Conn, { direction, cuts, end }: Passing): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
      const due = cuts[0]?.direction === direction ? cuts[0] : undefined;
      const length = Math.min(read, due?.left ?? read);
      for (let sent = 0; sent < length;) sent += await to.write(buffer.subarray(sent, length));
      if (due === undefined) continue;
      due.left -= length;
      if (due.left > 0) continue;
      cuts.shift();
      return end();
    }
    await to.closeWrite();
  } catch {
    // Either end is gone, and with it the connection.
    end();
  }
}
