import type { Call, Descriptor, Digest, OpenContent, TransportSink } from "../../core/contract/mod.ts";
import { type Address, isDigest, isTag, parseAddress, showRepository } from "./address.ts";
import { blobPath, RegistryClient, type RegistryRequest, repositoryScope, type Shared } from "./client.ts";
import { ContentReader } from "./content_reader.ts";
import { originEndpoint } from "./endpoint.ts";
import { canceled, checkDigest, hasCode } from "./failure.ts";
import { fetchManifest, maxManifestBytes } from "./manifest.ts";
import { acceptedTypes, isManifestType } from "./media_type.ts";
import { Slots } from "./slots.ts";
import { readReferrer, type Referrer, updateReferrersTag } from "./subject.ts";
import { cancelSession, Upload } from "./upload.ts";
import { readLocation, type UploadSession } from "./upload_session.ts";

/** Opens a repository for writing; nothing is asked for yet. Throws `DENIED` for a registry that the config blocks. */
export function openSink(address: Address, shared: Shared): TransportSink {
  return new RegistrySink(address, shared);
}

class RegistrySink implements TransportSink {
  readonly #address: Address;
  readonly #shared: Shared;
  readonly #client: RegistryClient;
  readonly #use: Disposable;
  readonly #slots: Slots;
  /** What is known to be there, or not. */
  readonly #known = new Map<Digest, boolean>();
  readonly #running = new Map<Digest, Promise<void>>();
  /** Uploads that the registry began when it was asked to mount. */
  readonly #sessions = new Map<Digest, UploadSession>();
  readonly #manifests = new Map<Digest, Uint8Array<ArrayBuffer>>();
  readonly #tags = new Map<string, Descriptor>();
  #listing: Promise<void> = Promise.resolve();

  constructor(address: Address, shared: Shared) {
    this.#address = address;
    this.#shared = shared;
    this.#client = new RegistryClient(originEndpoint(address, shared.settings, shared.kit), shared);
    this.#slots = new Slots(shared.settings.uploads);
    this.#use = shared.connections.use();
  }

  async has(descriptor: Descriptor, call: Call): Promise<boolean> {
    const { digest } = descriptor;
    const known = this.#known.get(digest);
    if (known === true) return true;
    const at = isManifestType(descriptor.mediaType) ? `manifests/${digest}` : blobPath(digest);
    const answer = await this.#client.send({ ...this.#request("HEAD", at), headers: { accept: acceptedTypes } }, call);
    await answer.drain();
    const isThere = answer.status === 200;
    // A registry that knows nothing of HEAD, or leads to where it is not allowed, is told everything again.
    if (!isThere && ![404, 405, 501].includes(answer.status) && !this.#client.isElsewhere(answer)) {
      throw await this.#client.refusal(answer, this.#request("HEAD", at));
    }
    this.#known.set(digest, isThere);
    return isThere;
  }

  async put(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    const { digest } = descriptor;
    const running = this.#running.get(digest);
    if (running !== undefined) {
      try {
        return await running;
      } catch (error) {
        // Whoever sent it may have given up; it is sent again.
        if (!hasCode(error, "CANCELED") || call.signal.aborted) throw error;
        return await this.put(descriptor, open, call);
      }
    }
    const putting = this.#put(descriptor, open, call);
    this.#running.set(digest, putting);
    try {
      await putting;
    } finally {
      this.#running.delete(digest);
    }
  }

  async mount(descriptor: Descriptor, from: string, call: Call): Promise<boolean> {
    const { digest } = descriptor;
    const { host, repository } = parseAddress(from, this.#shared.kit);
    if (host !== this.#address.host || isManifestType(descriptor.mediaType)) return false;
    if (this.#known.get(digest) === true) return true;
    if (repository === this.#address.repository) return await this.has(descriptor, call);
    const query = `mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(repository)}`;
    const plain = this.#request("POST", `blobs/uploads/?${query}`);
    const request = { ...plain, scopes: [...plain.scopes, repositoryScope(repository, "pull")] };
    try {
      const answer = await this.#client.send(request, call);
      await answer.drain();
      if (answer.status === 201) this.#known.set(digest, true);
      if (answer.status === 202) {
        const { isInternal } = this.#client;
        const doing = { doing: request.doing, host };
        const context = { doing, isInternal, kit: this.#shared.kit, offset: 0, before: undefined };
        this.#sessions.set(digest, readLocation(answer, context));
      }
      return answer.status === 201;
    } catch (error) {
      // It is only a shorter way; a login that does not reach the other repository is no reason to stop.
      if (hasCode(error, "UNAUTHORIZED", "DENIED", "REMOTE_FAILED")) return false;
      throw error;
    }
  }

  async tag(descriptor: Descriptor, name: string, call: Call): Promise<void> {
    const { kit } = this.#shared;
    const { digest } = descriptor;
    if (name !== `@${digest}` && !isTag(name)) {
      throw kit.error("INVALID_ARGUMENT", `Cannot tag "${digest}" as "${name}": it is no tag`, {
        detail: { field: "tag", value: name },
      });
    }
    if (!await this.has(descriptor, call)) {
      const where = showRepository(this.#address);
      throw kit.error("NOT_FOUND", `Cannot tag "${digest}" as "${name}": "${where}" does not have it`, {
        detail: { kind: "manifest", name: digest },
      });
    }
    if (!name.startsWith("@")) this.#tags.set(name, descriptor);
  }

  async remove(name: string, call: Call): Promise<boolean> {
    const { kit } = this.#shared;
    const wanted = name.startsWith("@") ? name.slice(1) : name;
    if (!isDigest(wanted) && !isTag(wanted)) return false;
    const { repository } = this.#address;
    const scopes = [repositoryScope(repository, "delete"), repositoryScope(repository, "pull,push")];
    const place = { client: this.#client, kit };
    const manifest = isDigest(wanted) ? await fetchManifest(wanted, place, call) : undefined;
    const doing = `remove "${wanted}" from "${showRepository(this.#address)}"`;
    const request = { method: "DELETE", at: `manifests/${wanted}`, scopes, doing };
    const answer = await this.#client.send(request, call);
    if (answer.status === 404) {
      await answer.drain();
      return false;
    }
    if (answer.status === 405 || answer.status === 400 || answer.status === 501) {
      await answer.drain();
      throw this.#cannotRemove(doing, wanted);
    }
    if (answer.status < 200 || answer.status > 299) throw await this.#client.refusal(answer, request);
    await answer.drain();
    this.#known.clear();
    const referrer = manifest === undefined ? undefined : readReferrer(manifest.descriptor, manifest.bytes);
    if (referrer !== undefined) await this.#unlist(referrer, call);
    return true;
  }

  async commit(call: Call): Promise<void> {
    for (const [tag, { digest, mediaType }] of this.#tags) {
      const bytes = this.#manifests.get(digest);
      if (bytes !== undefined) await this.#putManifest(tag, { bytes, mediaType, digest }, call);
      else await this.#retag(tag, digest, call);
      this.#tags.delete(tag);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const place = { client: this.#client, scopes: this.#scopes() };
    await Promise.all([...this.#sessions.values()].map((session) => cancelSession(session, place)));
    this.#sessions.clear();
    this.#use[Symbol.dispose]();
  }

  async #put(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    if (call.signal.aborted) throw canceled(this.#request("PUT", ""), call.signal, this.#shared.kit);
    const { digest, mediaType } = descriptor;
    if (this.#known.get(digest) === undefined) await this.has(descriptor, call);
    if (this.#known.get(digest) === true) return;
    const { settings, kit } = this.#shared;
    const content = new ContentReader(descriptor, open, kit);
    if (isManifestType(mediaType)) {
      const bytes = await this.#collectManifest(descriptor, content);
      await this.#putManifest(digest, { bytes, mediaType, digest }, call);
      this.#manifests.set(digest, bytes);
    } else {
      using slot = await this.#slots.take();
      void slot;
      const session = this.#sessions.get(digest);
      this.#sessions.delete(digest);
      const place = { client: this.#client, scopes: this.#scopes(), settings, kit, session };
      await new Upload(descriptor, content, place).run(call);
    }
    this.#known.set(digest, true);
  }

  async #collectManifest({ digest, size }: Descriptor, content: ContentReader): Promise<Uint8Array<ArrayBuffer>> {
    if (size <= maxManifestBytes) return await content.collect();
    const message = `Cannot push "${digest}": a manifest of ${size} bytes, expected at most ${maxManifestBytes}`;
    throw this.#shared.kit.error("INVALID_ARGUMENT", message, { detail: { field: "size", value: size } });
  }

  async #putManifest(
    name: string,
    { bytes, mediaType, digest }: Pick<Descriptor, "mediaType" | "digest"> & {
      readonly bytes: Uint8Array<ArrayBuffer>;
    },
    call: Call,
  ): Promise<void> {
    const request = {
      ...this.#request("PUT", `manifests/${name}`),
      headers: { "content-type": mediaType },
      body: bytes,
    };
    const answer = await this.#client.expect(request, [200, 201, 202, 204], call);
    await answer.drain();
    const doing = { doing: request.doing, host: this.#address.host };
    checkDigest(answer, { expected: digest, doing, kit: this.#shared.kit });
    if (!isDigest(name) || answer.headers.has("oci-subject")) return;
    const referrer = readReferrer({ mediaType, digest: name, size: bytes.length }, bytes);
    if (referrer !== undefined) await this.#list(referrer, "add", call);
  }

  /** Points a tag at a manifest that was there before, unless it does already. */
  async #retag(tag: string, digest: Digest, call: Call): Promise<void> {
    const { kit } = this.#shared;
    const head = await this.#client.send({
      ...this.#request("HEAD", `manifests/${tag}`),
      headers: { accept: acceptedTypes },
    }, call);
    await head.drain();
    if (head.status === 200 && head.headers.get("docker-content-digest") === digest) return;
    const manifest = await fetchManifest(digest, { client: this.#client, kit }, call);
    if (manifest === undefined) {
      throw kit.error("NOT_FOUND", `Cannot tag "${digest}" as "${tag}": it is gone`, {
        detail: { kind: "manifest", name: digest },
      });
    }
    await this.#putManifest(tag, { ...manifest.descriptor, bytes: manifest.bytes }, call);
  }

  /** One after the other: each reads the list that the one before has written. */
  async #list(referrer: Referrer, verb: "add" | "remove", call: Call): Promise<void> {
    const place = { verb, client: this.#client, scopes: this.#scopes(), kit: this.#shared.kit };
    const turn = this.#listing.then(() => updateReferrersTag(referrer, place, call));
    this.#listing = turn.catch(() => {});
    await turn;
  }

  /** Takes a removed manifest out of the list, where the registry keeps none itself. */
  async #unlist(referrer: Referrer, call: Call): Promise<void> {
    const answer = await this.#client.send(this.#request("GET", `referrers/${referrer.subject}`), call);
    await answer.drain();
    if (answer.status === 404) await this.#list(referrer, "remove", call);
  }

  #cannotRemove(doing: string, name: string): Error {
    const { host } = this.#address;
    const hint = isDigest(name)
      ? `Allow deletion in the configuration of ${host}`
      : "Remove the image by its digest, which removes every tag of it";
    return this.#shared.kit.error("UNSUPPORTED", `Cannot ${doing}: "${host}" does not allow it`, {
      detail: { what: "remove", host },
      hint,
    });
  }

  #scopes(): readonly string[] {
    return [repositoryScope(this.#address.repository, "pull,push")];
  }

  #request(method: string, at: string): RegistryRequest {
    return { method, at, scopes: this.#scopes(), doing: `push to "${showRepository(this.#address)}"` };
  }
}
