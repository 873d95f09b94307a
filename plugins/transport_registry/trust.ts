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

/** Reads the files that settings name. Rejects `OS_FAILED`, and `INVALID_ARGUMENT` for a certificate without its key. */
export async function readTrust(settings: RegistrySettings, kit: Kit): Promise<Trust> {
  const { ca, clientCertificate, clientKey, insecure } = settings;
  if ((clientCertificate === undefined) !== (clientKey === undefined)) {
    throw kit.error(
      "INVALID_ARGUMENT",
      'Cannot use a client certificate: "clientCertificate" and "clientKey" go together',
      {
        detail: { field: clientKey === undefined ? "clientKey" : "clientCertificate" },
      },
    );
  }
  const [authority, certificate, key] = await Promise.all(
    [ca, clientCertificate, clientKey].map((path) => read(path, kit)),
  );
  return {
    ca: authority === undefined ? [] : [authority],
    client: certificate === undefined || key === undefined ? undefined : { certificate, key },
    insecure,
  };
}

async function read(path: string | undefined, kit: Kit): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    const state = cause instanceof Deno.errors.NotFound ? "it does not exist" : "it cannot be read";
    throw kit.error("OS_FAILED", `Cannot use certificate or key "${path}": ${state}`, { cause, detail: { path } });
  }
}
