import type { Kit } from "../../core/contract/mod.ts";
import type { RegistrySettings } from "./settings.ts";

/** Keys and certificates in PEM, as they were read from their files. */
export interface Trust {
  /** Certificates that are trusted beside the usual ones. */
  readonly ca: readonly string[];
  /** Certificate that is shown, and its key. */
  readonly client: { readonly certificate: string; readonly key: string } | undefined;
  /** Whether certificates are not checked. */
  readonly insecure: boolean;
}

/** Whose trust is read. */
export interface TrustOptions {
  /** Host as users write it. */
  readonly host: string;
  /** What the config says of it. */
  readonly settings: RegistrySettings;
  /** Directories that may hold one for the host, as `/etc/docker/certs.d`. */
  readonly directories: readonly string[];
  /** Makes errors. */
  readonly kit: Kit;
}

/** Where systems keep all certificates that they trust. */
const systemFiles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * Reads the files that the config names, and those of the host's directories: `*.crt` are trusted, `*.cert` with `*.key` is shown
 * (docker's layout of certs.d). Rejects `OS_FAILED`, and `INVALID_ARGUMENT` for other files and a certificate without its key.
 */
export async function readTrust({ host, settings, directories, kit }: TrustOptions): Promise<Trust> {
  const { ca, clientCertificate, clientKey, insecure } = settings;
  const files = { ca: ca === undefined ? [] : [ca], certificate: clientCertificate, key: clientKey };
  for (const directory of directories) {
    for (const name of await listFiles(`${directory}/${host}`)) {
      const path = `${directory}/${host}/${name}`;
      if (name.endsWith(".crt")) files.ca.push(path);
      else if (name.endsWith(".cert") && files.certificate === undefined) {
        files.certificate = path;
        files.key = path.replace(/cert$/, "key");
      }
    }
  }
  if ((files.certificate === undefined) !== (files.key === undefined)) {
    throw kit.error(
      "INVALID_ARGUMENT",
      'Cannot use a client certificate: "clientCertificate" and "clientKey" go together',
      { detail: { field: files.key === undefined ? "clientKey" : "clientCertificate" } },
    );
  }
  const authorities = await Promise.all(files.ca.map((path) => read(path, kit)));
  if (files.certificate === undefined || files.key === undefined) {
    return { ca: authorities, client: undefined, insecure };
  }
  const [certificate, key] = await Promise.all([read(files.certificate, kit), read(files.key, kit)]);
  return { ca: authorities, client: { certificate, key }, insecure };
}

/** Certificates that this machine trusts beside those that strata brings; undefined when it keeps none where systems do. */
export async function readSystemCertificates(): Promise<string | undefined> {
  for (const path of systemFiles) {
    try {
      return await Deno.readTextFile(path);
    } catch {
      // It is elsewhere.
    }
  }
  return undefined;
}

async function listFiles(directory: string): Promise<readonly string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

async function read(path: string, kit: Kit): Promise<string> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    const state = cause instanceof Deno.errors.NotFound ? "it does not exist" : "it cannot be read";
    throw kit.error("OS_FAILED", `Cannot use certificate or key "${path}": ${state}`, { cause, detail: { path } });
  }
  if (text.includes("-----BEGIN ")) return text;
  throw kit.error("INVALID_ARGUMENT", `Cannot use certificate or key "${path}": it holds no PEM`, { detail: { path } });
}
