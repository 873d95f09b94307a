import type { Call } from "../contract/call.ts";
import type { Credential } from "../contract/credential.ts";
import { EngineError, isEngineError } from "../errors.ts";
import { readAuthEntry, writeAuthEntry } from "./auth_entry.ts";
import { type AuthFile, parseAuthFile, readAuthFile, writeAuthFile } from "./auth_file.ts";
import { askHelper, clearHelper, tellHelper } from "./credential_helper.ts";
import { findKey, keyOf, normalizeKey } from "./credential_key.ts";

/** Where logins are. */
export interface CredentialPlaces {
  /** Directory of docker's `config.json`; undefined for none. */
  readonly dockerConfig: string | undefined;
  /** A variable of the environment: `DOCKER_AUTH_CONFIG`, `REGISTRY_AUTH_FILE` and `XDG_RUNTIME_DIR` are asked for. */
  environment(name: string): string | undefined;
}

/**
 * Logins with registries, and where they are kept.
 *
 * @example Whether there is a login for a registry
 * ```ts
 * import { type Call, createCall, type Engine, type Logins } from "@strata/strata";
 *
 * async function isKnown(logins: Logins, place: string, call: Call): Promise<boolean> {
 *   return await logins.find(place, call) !== undefined;
 * }
 * const check = (engine: Engine): Promise<boolean> => isKnown(engine.logins, "registry.example.com", createCall());
 * ```
 */
export interface Logins {
  /** The login for a host or `host/repository`; undefined when there is none. */
  find(place: string, call: Call): Promise<Credential | undefined>;
  /** Keeps a login for a host. Rejects `OS_FAILED`, `UNSUPPORTED`. */
  store(host: string, credential: Credential, call: Call): Promise<StoredIn>;
  /** Forgets the login for a host; false when there is none. Rejects as `store`. */
  erase(host: string, call: Call): Promise<boolean>;
}

/**
 * Where a login was put.
 *
 * @example Tell where a login was put
 * ```ts
 * import type { StoredIn } from "@strata/strata";
 *
 * const place = (stored: StoredIn): string => "file" in stored ? stored.file : stored.helper;
 * console.log(place({ file: "/root/.docker/config.json" }));
 * ```
 */
export type StoredIn = { readonly helper: string } | { readonly file: string };

/**
 * The login for a host or `host/repository`. Asked in this order: the text in `DOCKER_AUTH_CONFIG`, the file that `REGISTRY_AUTH_FILE` names,
 * docker's config with its helpers, podman's `auth.json`. What cannot be read or run is told as a warning and passed over. Undefined
 * when there is none.
 */
export async function findCredential(
  places: CredentialPlaces,
  place: string,
  call: Call,
): Promise<Credential | undefined> {
  for (const read of sourcesOf(places)) {
    try {
      const file = await read();
      const found = file === undefined ? undefined : await lookUp(file, place, call);
      if (found !== undefined) return found;
    } catch (error) {
      if (!isEngineError(error) || error.code === "CANCELED") throw error;
      call.emit({ type: "warning", code: "UnusableLogins", message: error.message });
    }
  }
  return undefined;
}

/** Keeps a login for a host: with the helper that docker's config names for it, else in that config. Rejects `OS_FAILED`, `UNSUPPORTED`. */
export async function storeCredential(
  places: CredentialPlaces,
  { host, credential }: { readonly host: string; readonly credential: Credential },
  call: Call,
): Promise<StoredIn> {
  const path = configPath(places);
  const file = await readAuthFile(path) ?? parseAuthFile("", path);
  const key = findOwnKey(file, host) ?? keyOf(host);
  const helper = helperOf(file, host);
  if (helper !== undefined) await tellHelper(helper, { key: keyOf(host), credential }, call);
  // An empty entry says that there is a login, for the tools that list them.
  const entry = helper === undefined ? writeAuthEntry(file.auths[key], credential) : {};
  await writeAuthFile(path, { ...file.members, auths: { ...file.auths, [key]: entry } });
  return helper === undefined ? { file: path } : { helper };
}

/** Forgets the login for a host, in docker's config and with its helper; false when there is none. Rejects as {@linkcode storeCredential}. */
export async function eraseCredential(
  places: CredentialPlaces,
  host: string,
  call: Call,
): Promise<boolean> {
  const path = configPath(places);
  const file = await readAuthFile(path);
  if (file === undefined) return false;
  const helper = helperOf(file, host);
  const isErased = helper !== undefined && await clearHelper(helper, keyOf(host), call);
  const key = findOwnKey(file, host);
  if (key === undefined) return isErased;
  const { [key]: _, ...auths } = file.auths;
  await writeAuthFile(path, { ...file.members, auths });
  return true;
}

function configPath({ dockerConfig }: Pick<CredentialPlaces, "dockerConfig">): string {
  if (dockerConfig !== undefined) return `${dockerConfig}/config.json`;
  throw new EngineError("INVALID_ARGUMENT", "Cannot choose a file for logins: no home directory is known", {
    detail: { field: "dockerConfig" },
    hint: "Name a directory with DOCKER_CONFIG",
  });
}

function sourcesOf({ dockerConfig, environment }: CredentialPlaces): (() => Promise<AuthFile | undefined>)[] {
  const inline = environment("DOCKER_AUTH_CONFIG") ?? "";
  const named = environment("REGISTRY_AUTH_FILE") ?? "";
  const runtime = environment("XDG_RUNTIME_DIR") ?? "";
  return [
    ...(inline === "" ? [] : [() => Promise.try(() => parseAuthFile(inline, "DOCKER_AUTH_CONFIG"))]),
    ...(named === "" ? [] : [() => readAuthFile(named)]),
    ...(dockerConfig === undefined ? [] : [() => readAuthFile(configPath({ dockerConfig }))]),
    ...(runtime === "" ? [] : [() => readAuthFile(`${runtime}/containers/auth.json`)]),
  ];
}

async function lookUp(file: AuthFile, place: string, call: Call): Promise<Credential | undefined> {
  const host = normalizeKey(place).split("/")[0] ?? "";
  const helper = helperOf(file, host);
  const kept = helper === undefined ? undefined : await askHelper(helper, keyOf(host), call);
  if (kept !== undefined) return kept;
  const key = findKey(Object.keys(file.auths), place);
  return key === undefined ? undefined : readAuthEntry(file.auths[key]);
}

function helperOf({ credHelpers, credsStore }: AuthFile, host: string): string | undefined {
  const key = findKey(Object.keys(credHelpers), host);
  return key === undefined ? credsStore : credHelpers[key];
}

/** The key that exactly a host has, in whatever spelling. */
function findOwnKey({ auths }: AuthFile, host: string): string | undefined {
  return Object.keys(auths).find((key) => normalizeKey(key) === normalizeKey(host));
}
