import { join } from "@std/path";
import { freePort, startServerProcess } from "./server_process.ts";

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
  const server = await startServerProcess("docker-registry", {
    args: ["serve", path],
    env: { OTEL_TRACES_EXPORTER: "none" },
    port,
    folder,
  });
  return { ...server, host: `127.0.0.1:${port}`, storage: join(folder, "data") };
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
