import { join } from "@std/path";

/** What a started registry offers beyond plain http. */
export interface RegistryOptions {
  /** Lines of its configuration, e.g. its `auth:` section. */
  readonly config?: string;
  /** Certificate and key in PEM files, for TLS. */
  readonly tls?: {
    readonly certificate: string;
    readonly key: string;
    /** Certificates of authorities that clients have to show one of. */
    readonly clientAuthorities?: string;
  };
}

/** A running docker-registry of its own, on a free port of this host. */
export interface RegistryProcess extends AsyncDisposable {
  /** Host and port. */
  readonly host: string;
  readonly pid: number;
  /** Directory where it keeps what it is sent. */
  readonly storage: string;
  /** What it printed so far. */
  log(): string;
}

/** Starts Debian's `docker-registry` with an empty storage; disposing it ends it and removes the storage. */
export async function startRegistry(options: RegistryOptions = {}): Promise<RegistryProcess> {
  const folder = await Deno.makeTempDir({ prefix: "strata-registry-" });
  const port = freePort();
  const path = join(folder, "config.yml");
  await Deno.writeTextFile(path, writeConfig(folder, port, options));
  const child = new Deno.Command("docker-registry", {
    args: ["serve", path],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    env: { OTEL_TRACES_EXPORTER: "none" },
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
  } catch (error) {
    await stop();
    throw new Error(`docker-registry did not start: ${log}`, { cause: error });
  }
  return {
    host: `127.0.0.1:${port}`,
    pid: child.pid,
    storage: join(folder, "data"),
    log: () => log,
    [Symbol.asyncDispose]: stop,
  };
}

function writeConfig(folder: string, port: number, { config = "", tls }: RegistryOptions): string {
  const clients = tls?.clientAuthorities === undefined ? "" : `    clientcas:\n      - ${tls.clientAuthorities}\n`;
  const secure = tls === undefined
    ? ""
    : `  tls:\n    certificate: ${tls.certificate}\n    key: ${tls.key}\n${clients}`;
  return `version: 0.1
log:
  level: info
storage:
  filesystem:
    rootdirectory: ${join(folder, "data")}
  delete:
    enabled: true
  maintenance:
    uploadpurging:
      enabled: false
http:
  addr: 127.0.0.1:${port}
  relativeurls: false
${secure}${config}`;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function untilListening(port: number, child: Deno.ChildProcess): Promise<void> {
  let hasEnded = false;
  void child.status.then(() => hasEnded = true);
  for (let attempt = 0; attempt < 400; attempt++) {
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
