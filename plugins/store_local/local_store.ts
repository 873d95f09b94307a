import type {
  BlobInfo,
  ByteStream,
  Call,
  Descriptor,
  Digest,
  Kit,
  NameChange,
  Named,
  Store,
} from "../../core/contract/mod.ts";
import { deleteBlob, findBlob, listBlobs, type StoreParts } from "./blob_table.ts";
import { openDatabase } from "./database.ts";
import { checkSignal, fileFailure } from "./failure.ts";
import { algorithms, blobPath, createLayout, isStoredDigest, layoutOf, syncDirectory } from "./layout.ts";
import { openLeases } from "./lease.ts";
import { changeNames, createDescriptorReader, type DescriptorReader, listNames, resolveName } from "./names.ts";

/** What a local store is opened with. */
export interface LocalStoreOptions {
  readonly kit: Kit;
  /** Gives the time that is written beside blobs and names. */
  readonly clock: () => Date;
}

/**
 * Opens the store in a directory, creating it when it is not there. Several processes may have it open. Rejects
 * `INVALID_ARGUMENT` for a path that is not absolute, `UNSUPPORTED` for a store of a newer version, `OS_FAILED` for a
 * damaged one or one that may not be used.
 */
export function openLocalStore(location: string, options: LocalStoreOptions, call: Call): Promise<Store> {
  return Promise.try(() => open(location, options, call));
}

function open(location: string, options: LocalStoreOptions, call: Call): Store {
  const { kit, clock } = options;
  checkSignal(kit, call.signal, `Cannot open store "${location}"`);
  if (!/^(?:\/|[A-Za-z]:[\\/])/.test(location)) {
    throw kit.error("INVALID_ARGUMENT", `Cannot open store "${location}": expected an absolute path`, {
      detail: { field: "root", value: location },
    });
  }
  const layout = layoutOf(location);
  const database = openDatabase(layout.database, kit, () => createLayout(layout, kit));
  return new LocalStore({ layout, database, leases: openLeases(layout, database), kit, clock });
}

class LocalStore implements Store {
  readonly #parts: StoreParts;
  readonly #readDescriptor: DescriptorReader;

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#readDescriptor = createDescriptorReader(parts.kit);
  }

  async *names(prefix: string, call: Call): AsyncIterable<Named> {
    this.#check(call, "Cannot list names");
    // Not yield*, which takes more turns for each item.
    for (const named of listNames(this.#parts.database, prefix, this.#readDescriptor)) yield named;
  }

  resolve(name: string, call: Call): Promise<Descriptor | undefined> {
    return this.#attempt(call, `Cannot look up "${name}"`, () => {
      return resolveName(this.#parts.database, name, this.#readDescriptor);
    });
  }

  async open(descriptor: Descriptor, call: Call, offset = 0): Promise<ByteStream> {
    const { openBlob } = await import("./open_blob.ts");
    return await this.#attempt(call, `Cannot open blob "${descriptor.digest}"`, () => {
      return openBlob(this.#parts, { descriptor, offset }, call);
    });
  }

  has(descriptor: Descriptor, call: Call): Promise<boolean> {
    return this.#attempt(call, `Cannot look up blob "${descriptor.digest}"`, () => {
      // What the store cannot keep it does not have.
      if (!isStoredDigest(descriptor.digest)) return false;
      return findBlob(this.#parts, descriptor.digest) === descriptor.size;
    });
  }

  async put(descriptor: Descriptor, open: (offset?: number) => Promise<ByteStream>, call: Call): Promise<void> {
    checkDescriptor(descriptor, this.#parts.kit);
    if (await this.has(descriptor, call)) return;
    const { putBlob } = await import("./write_blob.ts");
    await putBlob(this.#parts, { descriptor, open }, call);
  }

  async ingest(stream: ByteStream, mediaType: string, call: Call): Promise<Descriptor> {
    const { ingestBlob } = await import("./write_blob.ts");
    return await ingestBlob(this.#parts, { stream, mediaType }, call);
  }

  localPath(digest: Digest): string | undefined {
    return blobPath(this.#parts.layout, digest, this.#parts.kit);
  }

  async *blobs(call: Call): AsyncIterable<BlobInfo> {
    this.#check(call, "Cannot list blobs");
    for (const blob of listBlobs(this.#parts.database)) yield blob;
  }

  delete(digest: Digest, call: Call): Promise<boolean> {
    return this.#attempt(call, `Cannot delete blob "${digest}"`, () => deleteBlob(this.#parts, digest));
  }

  tag(descriptor: Descriptor, name: string, call: Call): Promise<void> {
    return this.update([{ name, descriptor }], call);
  }

  untag(name: string, call: Call): Promise<boolean> {
    return this.#attempt(call, `Cannot remove name "${name}"`, () => {
      const { database } = this.#parts;
      return database.transactDurably(() => database.run("DELETE FROM names WHERE name = ?", name) > 0);
    });
  }

  async update(changes: readonly NameChange[], call: Call): Promise<void> {
    const { database, kit, clock } = this.#parts;
    const what = "Cannot change names";
    // That blobs were moved to their places must be on disk before names are.
    if (changes.some(({ descriptor }) => descriptor !== undefined)) await this.#syncBlobs(call, what);
    await this.#attempt(call, what, () => {
      database.transactDurably(() => changeNames({ database, kit, now: clock().getTime() }, changes));
    });
  }

  revision(call: Call): Promise<string> {
    return this.#attempt(call, "Cannot look at the store", () => this.#parts.database.revision());
  }

  async #syncBlobs(call: Call, what: string): Promise<void> {
    const { database, layout, kit } = this.#parts;
    this.#check(call, what);
    try {
      for (const algorithm of algorithms) {
        // Few stores have anything of the second one, and each costs a write to disk.
        const hasAny = database.row("SELECT 1 FROM blobs WHERE digest >= ? LIMIT 1", `${algorithm}:`) !== undefined;
        if (hasAny) await syncDirectory(`${layout.blobs}/${algorithm}`);
      }
    } catch (error) {
      throw fileFailure(kit, error, { what, path: layout.root });
    }
  }

  async lease(call: Call): Promise<AsyncDisposable> {
    const { sweepNamelessTempFiles } = await import("./temp_file.ts");
    return await this.#attempt(call, "Cannot lease the store", () => {
      sweepNamelessTempFiles(this.#parts.layout);
      const lease = this.#parts.leases.take();
      return {
        [Symbol.asyncDispose]: () => this.#attempt(undefined, "Cannot end a lease", () => lease[Symbol.dispose]()),
      };
    });
  }

  async *collect(mark: () => Promise<ReadonlySet<Digest>>, call: Call): ReturnType<Store["collect"]> {
    this.#check(call, "Cannot collect blobs");
    const { collectBlobs } = await import("./collect_blobs.ts");
    yield* collectBlobs(this.#parts, mark, call);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#attempt(undefined, "Cannot close the store", () => {
      this.#parts.leases.releaseAll();
      this.#parts.database.close();
    });
  }

  #check(call: Call, what: string): void {
    checkSignal(this.#parts.kit, call.signal, what);
  }

  #attempt<T>(call: Call | undefined, what: string, work: () => T): Promise<T> {
    return Promise.try(() => {
      if (call !== undefined) this.#check(call, what);
      try {
        return work();
      } catch (error) {
        throw fileFailure(this.#parts.kit, error, { what, path: this.#parts.layout.root });
      }
    });
  }
}

function checkDescriptor({ digest, size }: Descriptor, kit: Kit): void {
  if (!isStoredDigest(digest)) {
    const shown = digest.slice(0, 160);
    throw kit.error("INVALID_ARGUMENT", `Cannot write blob "${shown}": expected a sha256 or sha512 digest`, {
      detail: { field: "digest", value: shown },
    });
  }
  if (Number.isSafeInteger(size) && size >= 0) return;
  throw kit.error(
    "INVALID_ARGUMENT",
    `Cannot write blob "${digest}": its size is ${size}, expected a number of bytes`,
    {
      detail: { field: "size", value: size },
    },
  );
}
