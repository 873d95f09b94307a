import type { ByteStream, Call } from "../contract/call.ts";
import type { ContentSource } from "../contract/content.ts";
import type { NameChange, Store } from "../contract/store.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import type { SharedWork } from "../stream/shared_work.ts";

/**
 * A source whose streams are checked against the descriptor they were opened by: `CONTENT_MISMATCH` when size or digest
 * differ. One opened at an offset is only checked for its length, so whoever resumes a copy has to check the whole, as
 * `put` of a store does.
 */
export function verifiedSource(source: ContentSource): ContentSource {
  return {
    names: (prefix, call) => source.names(prefix, call),
    resolve: (name, call) => source.resolve(name, call),
    async open(descriptor, call, offset = 0): Promise<ByteStream> {
      const { checkLength, checkWhole } = await loadChecks();
      const stream = await source.open(descriptor, call, offset);
      return offset === 0 ? await checkWhole(stream, descriptor) : checkLength(stream, { descriptor, offset });
    },
  };
}

/**
 * A store whose streams are always of checked bytes and whose names are always of whole images. A stream from the start is
 * checked while it is read. Before the first one at an offset, the blob is read and checked once, unless this process has
 * already written it or read it to its end. Naming a manifest or an index rejects `NOT_FOUND` when a part of it is
 * missing, and no collection removes a part meanwhile.
 */
export function verifiedStore(store: Store): Store {
  const checked = new Set<Digest>();
  let checks: SharedWork<Digest, void> | undefined;
  const noteChecked = (digest: Digest): void => void checked.add(digest);

  async function open(descriptor: Descriptor, call: Call, offset = 0): Promise<ByteStream> {
    const { digest } = descriptor;
    const { checkLength, checkWhole } = await loadChecks();
    if (offset !== 0) {
      await ensureChecked(descriptor, call);
      return checkLength(await store.open(descriptor, call, offset), { descriptor, offset });
    }
    const stream = await store.open(descriptor, call);
    return await checkWhole(stream, descriptor, { path: store.localPath(digest), onRight: () => noteChecked(digest) });
  }

  async function ensureChecked(descriptor: Descriptor, call: Call): Promise<void> {
    const { digest } = descriptor;
    if (checked.has(digest)) return;
    const { SharedWork } = await import("../stream/shared_work.ts");
    checks ??= new SharedWork();
    await checks.get(digest, async (inner) => drain(await open(descriptor, inner)), call);
  }

  async function update(changes: readonly NameChange[], call: Call): Promise<void> {
    const named = changes.flatMap(({ descriptor }) => descriptor ?? []);
    if (named.length === 0) return await store.update(changes, call);
    const { holdContent } = await import("./hold.ts");
    await using _held = await holdContent(verified, named, call);
    await store.update(changes, call);
  }

  const verified: Store = {
    names: (prefix, call) => store.names(prefix, call),
    resolve: (name, call) => store.resolve(name, call),
    open,
    has: (descriptor, call) => store.has(descriptor, call),
    put: (descriptor, source, call) => store.put(descriptor, source, call),
    tag: (descriptor, name, call) => update([{ name, descriptor }], call),
    async ingest(content, mediaType, call): Promise<Descriptor> {
      const descriptor = await store.ingest(content, mediaType, call);
      noteChecked(descriptor.digest);
      return descriptor;
    },
    localPath: (digest) => store.localPath(digest),
    blobs: (call) => store.blobs(call),
    delete: (digest, call) => store.delete(digest, call),
    untag: (name, call) => store.untag(name, call),
    lease: (call) => store.lease(call),
    collect: (mark, call) => store.collect(mark, call),
    update,
    revision: (call) => store.revision(call),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
  return verified;
}

async function drain(stream: ByteStream): Promise<void> {
  for await (const _chunk of stream);
}

/** Loaded when a stream is opened: a command that only lists names starts faster without it. */
function loadChecks(): Promise<typeof import("./checked_stream.ts")> {
  return import("./checked_stream.ts");
}
