import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { readReferences } from "./graph.ts";

/**
 * Holds everything that the descriptors stand for until the result is disposed: no collection removes it meanwhile.
 * Manifests and indexes are followed. Rejects `NOT_FOUND` when a part of a manifest is missing; manifests of an index and
 * subjects may be.
 */
export async function holdContent(
  store: Store,
  descriptors: readonly Descriptor[],
  call: Call,
): Promise<AsyncDisposable> {
  await using holding = new AsyncDisposableStack();
  holding.use(await store.lease(call));
  const seen = new Set<Digest>();
  for (const descriptor of descriptors) await holdOne(store, { descriptor, isNeeded: true, seen }, call);
  return holding.move();
}

interface Part {
  readonly descriptor: Descriptor;
  readonly isNeeded: boolean;
  readonly seen: Set<Digest>;
}

async function holdOne(store: Store, part: Part, call: Call): Promise<void> {
  const { descriptor, seen } = part;
  if (seen.has(descriptor.digest)) return;
  seen.add(descriptor.digest);
  if (!await store.has(descriptor, call)) {
    if (!part.isNeeded) return;
    throw new EngineError("NOT_FOUND", `Cannot name content "${descriptor.digest}": it is not in the store`, {
      detail: { kind: "blob", name: descriptor.digest },
    });
  }
  const references = await readReferences(store, descriptor, call);
  for (const needed of references.needed) await holdOne(store, { descriptor: needed, isNeeded: true, seen }, call);
  for (const optional of references.optional) {
    await holdOne(store, { descriptor: optional, isNeeded: false, seen }, call);
  }
}
