import type { Call } from "../contract/call.ts";
import type { NameChange, Store } from "../contract/store.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import type { Reference } from "../oci/reference.ts";
import { originName, StoreAnnotation } from "../store/names.ts";

/** Most repositories that are remembered for one blob. */
const maxRepositories = 8;

/**
 * The changes that remember which repository of a registry holds blobs, so that a push to the same registry can have them mounted from
 * there. The blobs are in the store.
 */
export async function noteOrigins(
  store: Pick<Store, "resolve">,
  facts: { readonly reference: Reference; readonly blobs: readonly Descriptor[] },
  call: Call,
): Promise<readonly NameChange[]> {
  const { host, repository } = facts.reference;
  const changes: NameChange[] = [];
  for (const { mediaType, digest, size } of facts.blobs) {
    const name = originName(digest, host);
    const known = readRepositories(await store.resolve(name, call));
    if (known[0] === repository) continue;
    const repositories = [repository, ...known.filter((each) => each !== repository)].slice(0, maxRepositories);
    const annotations = { [StoreAnnotation.originRepositories]: repositories.join(",") };
    changes.push({ name, descriptor: { mediaType, digest, size, annotations } });
  }
  return changes;
}

/** Repositories of a registry that were seen to hold a blob, the last one first. */
export async function findOrigins(
  store: Pick<Store, "resolve">,
  blob: { readonly host: string; readonly descriptor: Descriptor },
  call: Call,
): Promise<readonly string[]> {
  return readRepositories(await store.resolve(originName(blob.descriptor.digest, blob.host), call));
}

/** Whether a blob came from a registry, whichever, as it is. */
export async function isReceived(store: Pick<Store, "names">, digest: Digest, call: Call): Promise<boolean> {
  for await (const _ of store.names(originName(digest), call)) return true;
  return false;
}

function readRepositories(descriptor: Descriptor | undefined): readonly string[] {
  return descriptor?.annotations?.[StoreAnnotation.originRepositories]?.split(",") ?? [];
}
