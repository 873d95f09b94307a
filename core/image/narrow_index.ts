import type { Call } from "../contract/call.ts";
import type { ContentSource } from "../contract/content.ts";
import { canonicalJson } from "../oci/canonical_json.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import { readIndex } from "../oci/validate.ts";
import { readDocument } from "../store/graph.ts";
import { streamOf } from "../stream/byte_stream.ts";

/**
 * An index with some of its entries alone, for places that take none whose manifests they lack; and a source that has it too, beside all
 * that the given one has. The index itself when it has no others.
 */
export async function narrowIndex(
  from: ContentSource,
  { root, keep }: { readonly root: Descriptor; readonly keep: ReadonlySet<Digest> },
  call: Call,
): Promise<{ readonly root: Descriptor; readonly from: ContentSource }> {
  const bytes = await readDocument(from, root, call);
  const { manifests } = readIndex(bytes, root.mediaType);
  const kept = manifests.filter(({ digest }) => keep.has(digest));
  if (kept.length === manifests.length) return { root, from };
  const members: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const narrowed = new TextEncoder().encode(canonicalJson(Object.assign({}, members, { manifests: kept })));
  const descriptor = { mediaType: root.mediaType, digest: await sha256(narrowed), size: narrowed.length };
  const source: ContentSource = {
    names: (prefix, inner) => from.names(prefix, inner),
    resolve: (name, inner) => from.resolve(name, inner),
    open: (wanted, inner, offset = 0) =>
      wanted.digest === descriptor.digest
        ? Promise.resolve(streamOf(narrowed.slice(offset)))
        : from.open(wanted, inner, offset),
  };
  return { root: descriptor, from: source };
}
