import type { Call } from "../contract/call.ts";
import type { ContentSource } from "../contract/content.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { readDocument } from "../store/graph.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { SharedWork } from "../stream/shared_work.ts";
import { kindOf } from "./content_kind.ts";

/** A source that reads each manifest, index and config once. */
export function rememberDocuments(source: ContentSource): ContentSource {
  const documents = new SharedWork<Digest, Uint8Array<ArrayBuffer>>();
  return {
    names: (prefix, call) => source.names(prefix, call),
    resolve: (name, call) => source.resolve(name, call),
    open: async (descriptor, call, offset = 0) => {
      if (!isDocument(descriptor)) return await source.open(descriptor, call, offset);
      const read = (inner: Call): Promise<Uint8Array<ArrayBuffer>> => readDocument(source, descriptor, inner);
      return streamOf((await documents.get(descriptor.digest, read, call)).slice(offset));
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
