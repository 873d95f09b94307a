import type { Descriptor, Digest } from "../oci/descriptor.ts";
import type { ByteStream, Call, OpenContent } from "./call.ts";
import type { ContentSink, ContentSource } from "./content.ts";

/**
 * A stored blob.
 *
 * @example Blobs that came today
 * ```ts
 * import type { BlobInfo } from "@strata/strata/contract";
 *
 * function isNew({ createdAt }: BlobInfo, now: Date): boolean {
 *   return now.getTime() - createdAt.getTime() < 86_400_000;
 * }
 * ```
 */
export interface BlobInfo {
  /** Digest of the bytes. */
  readonly digest: Digest;
  /** Length in bytes. */
  readonly size: number;
  /** When the blob was written. */
  readonly createdAt: Date;
}

/**
 * One change to a store's names: set when `descriptor` is given, removed when it is not.
 *
 * @example Take a name away
 * ```ts
 * import type { NameChange } from "@strata/strata/contract";
 *
 * const change: NameChange = { name: "docker.io/library/app:1", descriptor: undefined };
 * ```
 */
export interface NameChange {
  /** The name. */
  readonly name: string;
  /** What it is to point at; undefined removes it. */
  readonly descriptor: Descriptor | undefined;
}

/**
 * An open content-addressed store with named references.
 *
 * @example Put a text and read it again
 * ```ts
 * import type { Call, Store } from "@strata/strata/contract";
 *
 * async function keep(store: Store, text: string, call: Call): Promise<string> {
 *   const descriptor = await store.ingest(new Blob([text]).stream(), "text/plain", call);
 *   return await new Response(await store.open(descriptor, call)).text();
 * }
 * ```
 */
export interface Store extends ContentSource, ContentSink, AsyncDisposable {
  /**
   * As `put` of every sink, and checks the bytes while it writes them, also those that an earlier call left: rejects `CONTENT_MISMATCH`
   * unless size and digest are those of the descriptor. Core counts on it, and checks what it reads once more.
   */
  put(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void>;
  /** Writes bytes whose digest is not known yet; atomic; resolves when the stream has ended. */
  ingest(content: ByteStream, mediaType: string, call: Call): Promise<Descriptor>;
  /**
   * Path of a blob on this host, undefined when the store is not a local one. Lets core hash, compress and mount
   * without a stream in between; the file is never written to.
   */
  localPath(digest: Digest): string | undefined;
  /** Every blob present, for garbage collection. */
  blobs(call: Call): AsyncIterable<BlobInfo>;
  /** Removes a blob; false when absent. */
  delete(digest: Digest, call: Call): Promise<boolean>;
  /** Removes a name; false when absent. */
  untag(name: string, call: Call): Promise<boolean>;
  /**
   * Marks this process as one that is writing: until it is disposed, or the process has died, no process's `collect` removes a blob that
   * was written, found present by `has`, or opened since. Several may be held at once.
   */
  lease(call: Call): Promise<AsyncDisposable>;
  /**
   * Removes blobs that are neither in the set that `mark` gives nor protected by a lease, one process at a time: rejects
   * `CONFLICT` when another is collecting. `mark` is called once, after the store has noted which leases are held, so what is
   * named meanwhile is safe. Reports each removed blob. Also sweeps what killed processes left behind.
   */
  collect(mark: () => Promise<ReadonlySet<Digest>>, call: Call): AsyncIterable<BlobInfo>;
  /** Applies several name changes as one: all of them or none, also after a crash. Content must be present. */
  update(changes: readonly NameChange[], call: Call): Promise<void>;
  /**
   * A text that is another one after any name has changed, by this store or by another process; it may be another one sooner. It means
   * something to this open store alone. Asked before lists that are remembered are given again, so it has to cost next to nothing.
   */
  revision(call: Call): Promise<string>;
}

/**
 * Opens stores of one kind.
 *
 * @example A driver's place in a plugin
 * ```ts
 * import type { PluginFactory, Store, StoreHook } from "@strata/strata/contract";
 *
 * const open = (location: string): Promise<Store> => Promise.reject(new TypeError(`${location} is not there`));
 * const hook: StoreHook = { driver: "bucket", open };
 * const plugin: PluginFactory = () => ({ name: "bucket", api: 1, store: [hook] });
 * ```
 */
export interface StoreHook {
  /** Driver name, unique among store hooks, e.g. `local`. */
  readonly driver: string;
  /** Opens or creates the store at a location the driver understands. */
  open(location: string, call: Call): Promise<Store>;
}
