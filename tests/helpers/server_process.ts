/** A server program that a test started. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  /** What it printed on its error output, the last 200,000 characters of it. */
  log(): string;
}

/** How a server is started. */
export interface ServerOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Port of 127.0.0.1 that it listens at when it has started. */
  readonly port: number;
  /** Folder that is its own, and goes with it. */
  readonly folder: string;
}

/** Starts a server and waits until it listens; disposing it kills it and removes its folder. */
export async function startServerProcess(command: string, options: ServerOptions): Promise<ServerProcess> {
  const { args, env, port, folder } = options;
  const child = new Deno.Command(command, {
    args: [...args],
    env,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let log = "";
  const reading = (async (): Promise<void> => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) log = (log + text).slice(-200_000);
  })();
  const stop = async (): Promise<void> => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await child.status;
    await reading;
    await Deno.remove(folder, { recursive: true });
  };
  try {
    await untilListening(port, child);
  } catch (cause) {
    await stop();
    throw new Error(`${command} did not start: ${log}`, { cause });
  }
  return { pid: child.pid, log: () => log, [Symbol.asyncDispose]: stop };
}

/** A port of 127.0.0.1 that nobody listens at now. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function untilListening(port: number, child: Deno.ChildProcess): Promise<void> {
  let hasEnded = false;
  void child.status.then(() => hasEnded = true);
  for (let attempt = 0; attempt < 800; attempt++) {
    if (hasEnded) throw new Error("it ended");
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error("it does not listen");
}
