import type {
  ByteStream,
  Call,
  Descriptor,
  Named,
  Quota,
  ReferrerQuery,
  TransportSource,
} from "../../core/contract/mod.ts";
import { type Address, isDigest, isTag, showRepository } from "./address.ts";
import { streamOf } from "./answer.ts";
import { openBlob } from "./blob.ts";
import { RegistryClient, type Shared } from "./client.ts";
import { type Endpoint, readEndpoints } from "./endpoint.ts";
import { hasCode } from "./failure.ts";
import { fetchManifest, resolveManifest } from "./manifest.ts";
import { isManifestType } from "./media_type.ts";
import { listReferrers } from "./referrers.ts";
import { listTags } from "./tags.ts";

/** Tags that are asked for at once when all are to be resolved. */
const resolvedAtOnce = 8;

/**
 * Opens a repository for reading. An address with tag or digest has that one name and is looked up at once, which rejects
 * `NOT_FOUND`; nothing is asked for any other before it is read from. Rejects `DENIED` for a registry that the config blocks.
 */
export async function openSource(address: Address, shared: Shared, call: Call): Promise<TransportSource> {
  const source = new RegistrySource(address, shared);
  try {
    await source.lookUp(call);
    return source;
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

class RegistrySource implements TransportSource {
  readonly #address: Address;
  readonly #shared: Shared;
  readonly #clients: readonly RegistryClient[];
  readonly #use: Disposable;
  /** Mirrors that cannot be reached, and those that failed otherwise. */
  readonly #lost = new Set<Endpoint>();
  readonly #failed = new Set<Endpoint>();
  #only: Named | undefined;

  constructor(address: Address, shared: Shared) {
    this.#address = address;
    this.#shared = shared;
    const { settings, kit } = shared;
    this.#clients = readEndpoints(address, settings, kit).map((endpoint) => new RegistryClient(endpoint, shared));
    this.#use = shared.connections.use();
  }

  async lookUp(call: Call): Promise<void> {
    const { digest, tag } = this.#address;
    const wanted = digest ?? tag;
    if (wanted === undefined) return;
    const descriptor = await this.resolve(wanted, call);
    if (descriptor === undefined) throw this.#notFound(wanted);
    this.#only = { name: digest === undefined ? wanted : `@${wanted}`, descriptor };
  }

  async *names(prefix: string, call: Call): AsyncIterable<Named> {
    if (this.#only !== undefined) {
      if (this.#only.name.startsWith(prefix)) yield this.#only;
      return;
    }
    const tags = await Array.fromAsync(this.list(prefix, call));
    const pending: Promise<Named | undefined>[] = [];
    const next = async (name: string): Promise<Named | undefined> => {
      const descriptor = await this.resolve(name, call);
      return descriptor === undefined ? undefined : { name, descriptor };
    };
    try {
      for (const tag of tags.splice(0, resolvedAtOnce)) pending.push(next(tag));
      for (let first = pending.shift(); first !== undefined; first = pending.shift()) {
        const named = await first;
        for (const tag of tags.splice(0, 1)) pending.push(next(tag));
        if (named !== undefined) yield named;
      }
    } finally {
      await Promise.allSettled(pending);
    }
  }

  async *list(prefix: string, call: Call): AsyncIterable<string> {
    if (this.#only !== undefined) {
      if (this.#only.name.startsWith(prefix)) yield this.#only.name;
      return;
    }
    const tags = await this.#first((client) => listTags({ client, kit: this.#shared.kit }, call), call);
    if (tags === undefined) throw this.#notFound(undefined);
    for (const tag of tags) if (tag.startsWith(prefix)) yield tag;
  }

  async resolve(name: string, call: Call): Promise<Descriptor | undefined> {
    if (name === this.#only?.name) return this.#only.descriptor;
    const wanted = name.startsWith("@") ? name.slice(1) : name;
    if (!isDigest(wanted) && !isTag(wanted)) return undefined;
    return await this.#first((client) => resolveManifest(wanted, { client, kit: this.#shared.kit }, call), call);
  }

  async open(descriptor: Descriptor, call: Call, offset = 0): Promise<ByteStream> {
    const { settings, kit } = this.#shared;
    const found = await this.#first(async (client) => {
      if (isManifestType(descriptor.mediaType)) {
        const manifest = await fetchManifest(descriptor.digest, { client, kit }, call);
        return manifest === undefined ? undefined : streamOf(manifest.bytes.subarray(offset));
      }
      try {
        return await openBlob(descriptor, { client, offset, settings, kit }, call);
      } catch (error) {
        if (!hasCode(error, "NOT_FOUND")) throw error;
      }
      // Types are many, and one that is unknown here may be that of a manifest.
      if (!/json/.test(descriptor.mediaType)) return undefined;
      const document = await fetchManifest(descriptor.digest, { client, kit }, call);
      return document === undefined ? undefined : streamOf(document.bytes.subarray(offset));
    }, call);
    if (found !== undefined) return found;
    throw this.#notFound(descriptor.digest);
  }

  async *referrers(query: ReferrerQuery, call: Call): AsyncIterable<Descriptor> {
    const client = this.#clients.at(-1);
    if (client !== undefined) yield* listReferrers(query, { client, kit: this.#shared.kit }, call);
  }

  quota(): Quota | undefined {
    return this.#clients.map((client) => client.quota).findLast((quota) => quota !== undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#use[Symbol.dispose]();
    return Promise.resolve();
  }

  /** What the first place gives that has it: mirrors, then the registry, whose failure is the one that is told. */
  async #first<T>(read: (client: RegistryClient) => Promise<T | undefined>, call: Call): Promise<T | undefined> {
    for (const client of this.#clients) {
      const isMirror = client.endpoint.mirrorOf !== undefined;
      if (this.#lost.has(client.endpoint)) continue;
      try {
        const found = await read(client);
        if (found !== undefined || !isMirror) return found;
      } catch (error) {
        if (!isMirror || hasCode(error, "CANCELED")) throw error;
        if (hasCode(error, "NETWORK_FAILED")) this.#lost.add(client.endpoint);
        this.#warn(client.endpoint, error, call);
      }
    }
    return undefined;
  }

  /** Tells once that a mirror is of no use; what it does not have is no failure. */
  #warn(mirror: Endpoint, error: unknown, call: Call): void {
    if (this.#failed.has(mirror) || hasCode(error, "NOT_FOUND") || !(error instanceof Error)) return;
    this.#failed.add(mirror);
    call.emit({
      type: "warning",
      code: "MirrorFailed",
      message: `${error.message}; reading from "${mirror.mirrorOf}"`,
    });
  }

  #notFound(name: string | undefined): Error {
    const { host } = this.#address;
    const separator = name === undefined ? "" : isDigest(name) ? "@" : ":";
    const wanted = `${showRepository(this.#address)}${separator}${name ?? ""}`;
    return this.#shared.kit.error("NOT_FOUND", `Cannot read "${wanted}": "${host}" does not have it`, {
      detail: { kind: name === undefined ? "repository" : "image", name: wanted },
      hint: "Check the name, or log in when the repository is not public",
    });
  }
}
