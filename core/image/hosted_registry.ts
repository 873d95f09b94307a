import type { ByteStream, Call } from "../contract/call.ts";
import type { NameChange } from "../contract/store.ts";
import type { Engine } from "../engine.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { collectGarbage } from "../store/collect.ts";
import { NamePrefix, uploadName } from "../store/names.ts";
import { type BlobPart, openBlobPart } from "./hosted_blob.ts";
import { bare, HostedImages } from "./hosted_images.ts";
import type { HostedManifest } from "./hosted_manifest.ts";
import type { Repository } from "./hosted_name.ts";
import { type ReceivedManifest, receiveManifest } from "./hosted_receive.ts";
import { removeBlob, removeManifest, removeTag } from "./hosted_remove.ts";
import { HostedUpload } from "./hosted_upload.ts";
import { readDocument } from "../store/graph.ts";

export type { HostedManifest } from "./hosted_manifest.ts";
export { readRepository, readTagOrDigest, type Repository, repositoryPath } from "./hosted_name.ts";
export type { HostedUpload } from "./hosted_upload.ts";

/** What hosting needs of an engine. */
export type HostEngine = Pick<Engine, "store" | "clock">;

/** How long an upload waits for its next request, and a blob for a manifest that refers to it, in milliseconds. */
const uploadIdleMs = 60 * 60 * 1000;
const unusedBlobMs = 24 * 60 * 60 * 1000;

/** Most uploads that are open at once. */
const maxUploads = 4096;

/** The images of a store as the repositories of a registry. */
export interface HostedRegistry {
  readonly images: HostedImages;
  /** The manifest or index of a tag or digest with its bytes; undefined when the repository has none. */
  readManifest(
    at: { readonly repository: Repository; readonly reference: { readonly tag: string } | { readonly digest: Digest } },
    call: Call,
  ): Promise<{ readonly descriptor: Descriptor; readonly bytes: () => Promise<Uint8Array<ArrayBuffer>> } | undefined>;
  /** As `receiveManifest` says. */
  receive(received: ReceivedManifest, call: Call): Promise<HostedManifest>;
  /** A blob that the repository has; undefined when it has none. */
  findBlob(repository: Repository, digest: Digest, call: Call): Promise<Descriptor | undefined>;
  /** Bytes of it from `start` up to and without `end`. */
  openBlob(part: BlobPart, call: Call): Promise<ByteStream>;
  /** Lets a repository have a blob that another one has, any one when none is named; false when that has it not. */
  mount(
    mounting: { readonly repository: Repository; readonly digest: Digest; readonly from: Repository | undefined },
    call: Call,
  ): Promise<boolean>;
  /** As the functions of core/image/hosted_remove.ts say; what nothing needs any more is gone from the store too. */
  removeTag(repository: Repository, tag: string, call: Call): Promise<boolean>;
  removeManifest(repository: Repository, digest: Digest, call: Call): Promise<boolean>;
  removeBlob(repository: Repository, digest: Digest, call: Call): Promise<boolean>;
  /** Begins an upload. Rejects `CONFLICT` when too many are open. */
  beginUpload(repository: Repository): HostedUpload;
  /** An open upload of a repository. */
  findUpload(repository: Repository, id: string): HostedUpload | undefined;
  /** Takes an upload off the list of open ones. */
  endUpload(upload: HostedUpload): void;
  /** Drops uploads that nobody goes on with, and blobs that no manifest refers to after a day. */
  sweep(call: Call): Promise<void>;
  /** Drops all open uploads. */
  close(): Promise<void>;
}

/** Opens the registry of a store. */
export function hostRegistry(engine: HostEngine): HostedRegistry {
  const { store, clock } = engine;
  const images = new HostedImages(store);
  const uploads = new Map<string, HostedUpload>();
  const collect = createCollector(engine);
  const place = { store, images };
  const collected = async (isRemoved: boolean): Promise<boolean> => {
    if (isRemoved) await collect();
    return isRemoved;
  };
  const findBlob: HostedRegistry["findBlob"] = async (repository, digest, call) => {
    const found = await images.findBlob(repository, digest, call);
    return found !== undefined && await store.has(found, call) ? found : undefined;
  };
  return {
    images,
    findBlob,
    readManifest: async ({ repository, reference }, call) => {
      const found = await images.find(repository, reference, call);
      if (found === undefined || !await store.has(found, call)) return undefined;
      return { descriptor: found, bytes: () => readDocument(store, found, call) };
    },
    receive: (received, call) => receiveManifest(place, received, call),
    openBlob: (part, call) => openBlobPart(store, part, call),
    mount: async ({ repository, digest, from }, call) => {
      await using lease = await store.lease(call);
      void lease;
      const found = from === undefined ? await images.findAnywhere(digest, call) : await findBlob(from, digest, call);
      if (found === undefined || !await store.has(bare(found), call)) return false;
      await store.update([{ name: uploadName(repository, digest), descriptor: bare(found) }], call);
      return true;
    },
    removeTag: (repository, tag, call) => removeTag(place, { repository, tag }, call),
    removeManifest: async (repository, digest, call) =>
      await collected(await removeManifest(place, { repository, digest }, call)),
    removeBlob: async (repository, digest, call) =>
      await collected(await removeBlob(place, { repository, digest }, call)),
    beginUpload: (repository) => {
      if (uploads.size >= maxUploads) throw tooMany();
      const upload = new HostedUpload(store, repository, clock().getTime());
      uploads.set(upload.id, upload);
      return upload;
    },
    findUpload: ({ host, repository }, id) => {
      const upload = uploads.get(id);
      const isOwn = upload?.repository.host === host && upload.repository.repository === repository;
      return isOwn ? upload : undefined;
    },
    endUpload: ({ id }) => void uploads.delete(id),
    sweep: async (call) => {
      const now = clock().getTime();
      const idle = [...uploads.values()].filter(({ idleSince }) =>
        idleSince !== undefined && idleSince < now - uploadIdleMs
      );
      for (const upload of idle) {
        uploads.delete(upload.id);
        await upload.cancel();
      }
      if (await dropUnused(engine, now - unusedBlobMs, call) > 0) await collect();
    },
    close: async () => {
      const open = [...uploads.values()];
      uploads.clear();
      await Promise.all(open.map((upload) => upload.cancel()));
    },
  };
}

/** Drops the names of blobs that were sent before a time and that no manifest refers to. */
async function dropUnused({ store }: HostEngine, before: number, call: Call): Promise<number> {
  const changes: NameChange[] = [];
  for await (const { name, updatedAt } of store.names(NamePrefix.upload, call)) {
    if (updatedAt !== undefined && updatedAt.getTime() < before) changes.push({ name, descriptor: undefined });
  }
  if (changes.length > 0) await store.update(changes, call);
  return changes.length;
}

/**
 * Removes what nothing needs. Those who ask while it is done wait for one more time together, which sees what they have taken away. When
 * another process collects, the blobs are left to it.
 */
function createCollector({ store }: HostEngine): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  const collect = async (call: Call): Promise<void> => {
    try {
      await collectGarbage(store, call);
    } catch (error) {
      if (!isEngineError(error) || error.code !== "CONFLICT") throw error;
    }
  };
  // Nobody's signal: others wait for the same work.
  const quiet: Call = { signal: new AbortController().signal, emit: () => {} };
  return () =>
    next ??= running.then(() => {
      next = undefined;
      const now = collect(quiet);
      running = now.catch(() => {});
      return now;
    });
}

function tooMany(): EngineError {
  return new EngineError("CONFLICT", `Cannot begin an upload: ${maxUploads} are open`, {
    detail: { kind: "upload", limit: maxUploads },
  });
}
