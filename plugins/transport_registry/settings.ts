import type { Kit, PluginHost } from "../../core/contract/mod.ts";

/** How one registry is reached. */
export interface RegistrySettings {
  /** Whether it is asked without encryption; undefined decides by the host. */
  readonly plainHttp: boolean | undefined;
  /** Whether its certificate is not checked. */
  readonly insecure: boolean;
  /** File with certificates in PEM that are trusted beside the usual ones. */
  readonly ca: string | undefined;
  /** File with a certificate in PEM that is shown to the registry. */
  readonly clientCertificate: string | undefined;
  /** File with its key. */
  readonly clientKey: string | undefined;
  /** Whether nothing may be asked of it. */
  readonly blocked: boolean;
  /** Places that are read from first, as `host` or `host/prefix`. */
  readonly mirrors: readonly string[];
  /** URL of the proxy in front of it; empty for none, undefined for the general one. */
  readonly proxy: string | undefined;
  /** Bytes that one upload request may have at most; undefined sends a blob in one. */
  readonly chunkBytes: number | undefined;
}

/** The plugin's section of the config. */
export interface Settings {
  /** Settings by host, `*.domain`, or `*`. */
  readonly registries: Readonly<Record<string, RegistrySettings>>;
  /** Times that a request is sent before it counts as failed. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; later ones wait longer. */
  readonly retryDelayMs: number;
  /** Most milliseconds that a registry may ask to wait. */
  readonly maxRetryDelayMs: number;
  /** Most milliseconds without an answer or a byte. */
  readonly idleTimeoutMs: number;
  /** Blobs that one sink uploads at once. */
  readonly uploads: number;
  /** Directories with one for each host that has certificates and keys. */
  readonly certificateDirectories: readonly string[];
}

const defaultRegistry: RegistrySettings = {
  plainHttp: undefined,
  insecure: false,
  ca: undefined,
  clientCertificate: undefined,
  clientKey: undefined,
  blocked: false,
  mirrors: [],
  proxy: undefined,
  chunkBytes: undefined,
};

type Fields<T> = { readonly [K in keyof T]-?: (value: unknown) => value is Exclude<T[K], undefined> };

const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isText = (value: unknown): value is string => typeof value === "string";
const isPath = (value: unknown): value is string => isText(value) && value !== "";
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;
const isProxy = (value: unknown): value is string => isText(value) && (value === "" || URL.canParse(value));
const isPlaces = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((place) => isText(place) && /^[^\s/]+(\/[a-z0-9._-]+)*$/.test(place));

const registryFields: Fields<RegistrySettings> = {
  plainHttp: isBoolean,
  insecure: isBoolean,
  ca: isPath,
  clientCertificate: isPath,
  clientKey: isPath,
  blocked: isBoolean,
  mirrors: isPlaces,
  proxy: isProxy,
  chunkBytes: isCount,
};

const isPaths = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isPath);

const ownFields = {
  attempts: isCount,
  retryDelayMs: isCount,
  maxRetryDelayMs: isCount,
  idleTimeoutMs: isCount,
  uploads: isCount,
  certificateDirectories: isPaths,
};

/** Reads the plugin's config; all members may be left out. Throws `INVALID_ARGUMENT`. */
export function readSettings({ config, kit }: Pick<PluginHost, "config" | "kit">): Settings {
  const { registries = {}, ...own } = config;
  if (!isObject(registries)) throw malformed("registries", kit);
  return {
    attempts: 5,
    retryDelayMs: 500,
    maxRetryDelayMs: 60_000,
    idleTimeoutMs: 60_000,
    uploads: 4,
    certificateDirectories: ["/etc/docker/certs.d", "/etc/containers/certs.d"],
    ...readFields(own, ownFields, { at: "", kit }),
    registries: Object.fromEntries(
      Object.entries(registries).map(([host, section]) => {
        const at = `registries.${host}`;
        if (!isObject(section)) throw malformed(at, kit);
        return [host, { ...defaultRegistry, ...readFields(section, registryFields, { at: `${at}.`, kit }) }];
      }),
    ),
  };
}

/** Settings of a host: its own, else those of the longest `*.domain` it is below, else those of `*`. */
export function registrySettings({ registries }: Settings, host: string): RegistrySettings {
  const own = Object.hasOwn(registries, host) ? registries[host] : undefined;
  if (own !== undefined) return own;
  const wild = Object.keys(registries)
    .filter((key) => key.startsWith("*.") && host.endsWith(key.slice(1)))
    .sort((a, b) => b.length - a.length)[0] ?? "*";
  return (Object.hasOwn(registries, wild) ? registries[wild] : undefined) ?? defaultRegistry;
}

function readFields<T extends Readonly<Record<string, unknown>>>(
  section: Readonly<Record<string, unknown>>,
  fields: { readonly [K in keyof T]: (value: unknown) => value is T[K] },
  { at, kit }: { readonly at: string; readonly kit: Kit },
): Partial<T> {
  for (const [field, value] of Object.entries(section)) {
    const check = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (check === undefined || !check(value)) throw malformed(at + field, kit);
  }
  return section as Partial<T>;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(field: string, kit: Kit): Error {
  return kit.error(
    "INVALID_ARGUMENT",
    `Cannot use config of "transport-registry": "${field}" is unknown or malformed`,
    {
      detail: { field },
      hint: "See docs/registries.md for what it may hold",
    },
  );
}
