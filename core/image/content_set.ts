import type { Call } from "../contract/call.ts";
import type { ContentSource } from "../contract/content.ts";
import { isEngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { readReferences } from "../store/graph.ts";

/** Blobs by digest. */
export type ContentSet = Map<Digest, Descriptor>;

/**
 * Adds a descriptor and everything it refers to. What is missing or broken is passed over with all that only it refers to, so that a
 * damaged image can still be counted and removed.
 */
export async function addContent(
  into: ContentSet,
  from: { readonly source: ContentSource; readonly root: Descriptor },
  call: Call,
): Promise<void> {
  const { source, root } = from;
  if (into.has(root.digest)) return;
  into.set(root.digest, root);
  try {
    const { needed, optional } = await readReferences(source, root, call);
    for (const child of [...needed, ...optional]) await addContent(into, { source, root: child }, call);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    if (error.code === "NOT_FOUND") into.delete(root.digest);
    else if (error.code !== "CONTENT_MISMATCH" && error.code !== "UNSUPPORTED") throw error;
  }
}

/** Everything that several descriptors stand for. */
export async function contentOf(
  source: ContentSource,
  roots: readonly Descriptor[],
  call: Call,
): Promise<ContentSet> {
  const set: ContentSet = new Map();
  for (const root of roots) await addContent(set, { source, root }, call);
  return set;
}
