import type { ContentSource } from "../contract/content.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { readDocument } from "../store/graph.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { kindOf } from "./content_kind.ts";

/** A source that reads each manifest, index and config once. */
export function rememberDocuments(source: ContentSource): ContentSource {
  const known = new Map<Digest, Promise<Uint8Array<ArrayBuffer>>>();
  return {
    names: (prefix, call) => source.names(prefix, call),
    resolve: (name, call) => source.resolve(name, call),
    open: async (descriptor, call, offset = 0) => {
      if (!isDocument(descriptor)) return await source.open(descriptor, call, offset);
      const reading = known.get(descriptor.digest) ?? readDocument(source, descriptor, call);
      known.set(descriptor.digest, reading);
      reading.catch(() => known.delete(descriptor.digest));
      return streamOf((await reading).slice(offset));
    },
  };
}

/** A source with documents that it does not have, and with content that another one has. */
export function withDocuments(
  source: ContentSource,
  documents: ReadonlyMap<Digest, Uint8Array<ArrayBuffer>>,
  elsewhere: ReadonlyMap<Digest, ContentSource>,
): ContentSource {
  return {
    names: (prefix, call) => source.names(prefix, call),
    resolve: (name, call) => source.resolve(name, call),
    open: async (descriptor, call, offset = 0) => {
      const bytes = documents.get(descriptor.digest);
      if (bytes !== undefined) return streamOf(bytes.slice(offset));
      return await (elsewhere.get(descriptor.digest) ?? source).open(descriptor, call, offset);
    },
  };
}

function isDocument(descriptor: Descriptor): boolean {
  return ["manifest", "index", "config"].includes(kindOf(descriptor));
}
