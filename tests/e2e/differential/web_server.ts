/** A web server of this process. */
export interface WebServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:1234`. */
  readonly origin: string;
}

/**
 * Serves the files of a folder with their times, on a port that is free. Of `timeless.txt` it tells no time; `moved.txt` is
 * a redirect to `file.txt`.
 */
export function startWebServer(folder: string): WebServer {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => answer(folder, new URL(request.url).pathname.slice(1)),
  );
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function answer(folder: string, name: string): Promise<Response> {
  if (name === "moved.txt") return new Response(null, { status: 302, headers: { location: "/file.txt" } });
  try {
    const { mtime } = await Deno.stat(`${folder}/${name}`);
    const isTimed = name !== "timeless.txt" && mtime !== null;
    const headers = isTimed ? { "last-modified": mtime.toUTCString() } : undefined;
    return new Response(await Deno.readFile(`${folder}/${name}`), { ...(headers && { headers }) });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Response("no such file", { status: 404 });
    throw error;
  }
}
