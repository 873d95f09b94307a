/** A proxy for HTTP, and for tunnels through it. */
export interface HttpProxy extends AsyncDisposable {
  /** Address, with user and password where it asks for them. */
  readonly url: string;
  /** First lines of the requests so far, such as `CONNECT 127.0.0.1:443 HTTP/1.1`. */
  readonly lines: readonly string[];
}

/** Starts a proxy that takes plain requests with whole addresses, and `CONNECT`. */
export function startHttpProxy(login?: { readonly user: string; readonly password: string }): HttpProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const running = new Set<Promise<void>>();
  const lines: string[] = [];
  const expected = login === undefined ? undefined : `Basic ${btoa(`${login.user}:${login.password}`)}`;
  const close = (connection: Deno.Conn): void => {
    if (open.delete(connection)) connection.close();
  };
  const serve = async (client: Deno.Conn): Promise<void> => {
    open.add(client);
    const { head, rest } = await readHead(client);
    const [line = "", ...headers] = head.split("\r\n");
    lines.push(line);
    const given = headers.find((header) => /^proxy-authorization:/i.test(header))?.replace(/^[^:]*:\s*/, "");
    if (given !== expected) {
      await client.write(
        new TextEncoder().encode("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"),
      );
      return close(client);
    }
    const [method = "", target = ""] = line.split(" ");
    const isTunnel = method === "CONNECT";
    const url = new URL(isTunnel ? `http://${target}/` : target);
    const server = await Deno.connect({ hostname: url.hostname, port: Number(url.port || 80) });
    open.add(server);
    if (isTunnel) await client.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
    else {
      // One request a connection, so that the next one comes to the proxy again.
      const kept = headers.filter((header) => !/^(proxy-authorization|connection):/i.test(header));
      const first = `${method} ${url.pathname}${url.search} HTTP/1.1\r\nconnection: close\r\n${
        kept.join("\r\n")
      }\r\n\r\n`;
      await server.write(new TextEncoder().encode(first));
    }
    if (rest.length > 0) await server.write(rest);
    await Promise.allSettled([pass(client, server), pass(server, client)]);
    close(client);
    close(server);
  };
  const accepting = (async (): Promise<void> => {
    for await (const client of listener) {
      const serving = serve(client).catch(() => close(client));
      running.add(serving);
      void serving.then(() => running.delete(serving));
    }
  })();
  const user = login === undefined ? "" : `${login.user}:${encodeURIComponent(login.password)}@`;
  return {
    url: `http://${user}127.0.0.1:${listener.addr.port}`,
    lines,
    [Symbol.asyncDispose]: async (): Promise<void> => {
      listener.close();
      for (const connection of [...open]) close(connection);
      await accepting;
      await Promise.all(running);
    },
  };
}

async function readHead(from: Deno.Conn): Promise<{ head: string; rest: Uint8Array<ArrayBuffer> }> {
  let bytes = new Uint8Array();
  const buffer = new Uint8Array(16 * 1024);
  while (true) {
    const text = new TextDecoder("latin1").decode(bytes);
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) return { head: text.slice(0, end), rest: bytes.slice(end + 4) };
    const read = await from.read(buffer);
    if (read === null) throw new Error("no request");
    bytes = new Uint8Array([...bytes, ...buffer.subarray(0, read)]);
  }
}

async function pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
    for (let sent = 0; sent < read;) sent += await to.write(buffer.subarray(sent, read));
  }
  await to.closeWrite();
}
