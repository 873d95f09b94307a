import { countBytes } from "../build/count_bytes.ts";
import { createLimit, type Limit } from "../build/limit.ts";
import { settleAll } from "../build/settle_all.ts";
import type { ByteStream, Call } from "../contract/call.ts";
import type { ContentSink, ContentSource } from "../contract/content.ts";
import { isEngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { isIndexType, isManifestType } from "../oci/media_type.ts";
import { readReferences } from "../store/graph.ts";
import { canceled, throwIfAborted } from "../stream/abort.ts";
import { readChunks, streamOver } from "../stream/byte_stream.ts";
import { kindOf } from "./content_kind.ts";

/** Two ends to copy between, and how. */
export interface CopyEnds {
  /** Where to read; its streams must be verified. */
  readonly from: ContentSource;
  /** Where to write. */
  readonly to: ContentSink;
  /** Most blobs copied at once. With 1, which is what counts when left out, they go in the order their parents have them. */
  readonly jobs?: number;
  /** Gives the time, by which each blob is reported as a step; nothing is reported without. */
  readonly clock?: () => Date;
  /** Whether what a manifest or an index refers to is copied too; everything when left out. */
  readonly isWanted?: (child: Descriptor, parent: Descriptor) => boolean;
}

/** Copies graphs of content between two ends, each digest once however often it comes. */
export interface GraphCopier {
  /**
   * Copies a descriptor and all that it refers to, children before parents. Manifests of an index that the source does not have are passed
   * over. The first failure cancels whatever else is being copied, which rejects with it too. Rejects when nothing of it is at work any more.
   */
  copy(root: Descriptor): Promise<void>;
}

/** A copy that broke off after some bytes is begun again this often. */
const maxAttempts = 5;

/** Makes a copier. */
export function createGraphCopier(ends: CopyEnds, call: Call): GraphCopier {
  const controller = new AbortController();
  const inner: Call = { signal: AbortSignal.any([call.signal, controller.signal]), emit: call.emit };
  const fail = (error: unknown): void => {
    if (!inner.signal.aborted) controller.abort(error);
  };
  const copier = new Copier(ends, fail, inner);
  return {
    async copy(root): Promise<void> {
      try {
        await copier.copy(root);
      } catch (error) {
        fail(error);
        // What was canceled because something else failed reports that.
        throw call.signal.aborted ? canceled(call.signal) : controller.signal.reason;
      }
    },
  };
}

class Copier {
  readonly #ends: CopyEnds;
  readonly #fail: (error: unknown) => void;
  readonly #call: Call;
  readonly #limit: Limit;
  readonly #done = new Map<Digest, Promise<void>>();

  constructor(ends: CopyEnds, fail: (error: unknown) => void, call: Call) {
    this.#ends = ends;
    this.#fail = fail;
    this.#call = call;
    this.#limit = createLimit(ends.jobs ?? 1);
  }

  copy(descriptor: Descriptor): Promise<void> {
    const known = this.#done.get(descriptor.digest);
    if (known !== undefined) return known;
    const copied = isDocument(descriptor) ? this.#copyDocument(descriptor) : this.#limit(() => this.#put(descriptor));
    this.#done.set(descriptor.digest, copied);
    // What is missing may be left out by its parent; whatever else goes wrong ends the copy at once.
    copied.catch((error) => isMissing(error) || this.#fail(error));
    return copied;
  }

  async #copyDocument(descriptor: Descriptor): Promise<void> {
    const { from, isWanted = () => true } = this.#ends;
    const references = await this.#limit(() => readReferences(from, bareDescriptor(descriptor), this.#call));
    const wanted = (child: Descriptor): boolean => isWanted(child, descriptor);
    const missing: unknown[] = [];
    const optional = references.optional.filter(wanted);
    await this.#each(references.needed.filter(wanted), (child) => this.copy(child));
    await this.#each(optional, async (child) => {
      try {
        await this.copy(child);
      } catch (error) {
        if (!isMissing(error)) throw error;
        missing.push(error);
      }
    });
    if (isIndexType(descriptor.mediaType) && missing.length > 0 && missing.length === optional.length) throw missing[0];
    await this.#limit(() => this.#put(descriptor));
  }

  /** One after the other when one at a time is asked for, else together; waits for all of them. */
  async #each(children: readonly Descriptor[], copy: (child: Descriptor) => Promise<void>): Promise<void> {
    if ((this.#ends.jobs ?? 1) === 1) {
      for (const child of children) await copy(child);
      return;
    }
    await settleAll(children.map(copy));
  }

  async #put(descriptor: Descriptor): Promise<void> {
    throwIfAborted(this.#call.signal);
    const { to, clock } = this.#ends;
    const bare = bareDescriptor(descriptor);
    const isThere = await to.has(bare, this.#call);
    if (clock === undefined) return isThere ? undefined : await this.#write(bare, () => {}, undefined);
    const step = `copy ${descriptor.digest}`;
    const { emit } = this.#call;
    emit({ type: "step-started", step, name: `${kindOf(descriptor)} ${descriptor.digest}` });
    const report = (current: number): void =>
      emit({ type: "step-progress", step, current, total: descriptor.size, unit: "bytes" });
    try {
      if (!isThere) await this.#write(bare, report, clock);
      emit({ type: "step-ended", step, outcome: isThere ? "cached" : "done", digest: descriptor.digest });
    } catch (error) {
      emit({ type: "step-ended", step, outcome: this.#call.signal.aborted ? "canceled" : "failed" });
      throw error;
    }
  }

  /** A connection that broke is made again as long as each try brings some bytes: both ends go on where they were. */
  async #write(
    descriptor: Descriptor,
    report: (current: number) => void,
    clock: (() => Date) | undefined,
  ): Promise<void> {
    const { from, to } = this.#ends;
    for (let attempt = 1;; attempt++) {
      let isMoving = false;
      const open = async (offset = 0): Promise<ByteStream> => {
        const stream = noting(await from.open(descriptor, this.#call, offset), () => isMoving = true);
        return clock === undefined ? stream : countBytes(stream, clock, (count) => report(offset + count));
      };
      try {
        return await to.put(descriptor, open, this.#call);
      } catch (error) {
        const isBroken = isEngineError(error) && error.code === "NETWORK_FAILED";
        if (!isBroken || !isMoving || attempt === maxAttempts || this.#call.signal.aborted) throw error;
      }
    }
  }
}

function noting(stream: ByteStream, note: () => void): ByteStream {
  const noted = async function* (): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for await (const chunk of readChunks(stream)) {
      note();
      yield chunk;
    }
  };
  return streamOver(noted(), () => stream.cancel());
}

function isMissing(error: unknown): boolean {
  return isEngineError(error) && error.code === "NOT_FOUND";
}

function isDocument({ mediaType }: Descriptor): boolean {
  return isManifestType(mediaType) || isIndexType(mediaType);
}

/** A descriptor without what only its parent says of it. */
export function bareDescriptor({ mediaType, digest, size, artifactType }: Descriptor): Descriptor {
  return { mediaType, digest, size, ...(artifactType === undefined ? {} : { artifactType }) };
}
