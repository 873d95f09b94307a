import { pickManifest } from "../build/base_image.ts";
import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import { isIndexType } from "../oci/media_type.ts";
import { formatPlatform, isAttestation } from "../oci/platform.ts";
import { familiarReference, type Reference } from "../oci/reference.ts";
import { readIndex } from "../oci/validate.ts";
import { readDocument } from "../store/graph.ts";

/** What of an image is sent. */
export interface PushChoice {
  readonly root: {
    /** Manifest or index. */
    readonly descriptor: Descriptor;
    /** Entries of the index that go along; undefined for all. */
    readonly keep: ReadonlySet<Digest> | undefined;
  };
  /** The platform that is sent alone because the store has no other one of the index; undefined otherwise. */
  readonly onlyPlatform: string | undefined;
}

/**
 * Chooses what of an image is sent. Of an index of which the store has one platform only, as `pull` leaves it, that one's manifest goes
 * alone, as with docker. Rejects `NOT_FOUND` when several but not all are there, or a platform that is asked for is not.
 */
export async function choosePushed(
  store: Store,
  pushing: { readonly name: Reference; readonly descriptor: Descriptor; readonly platforms?: readonly Platform[] },
  call: Call,
): Promise<PushChoice> {
  const { descriptor, platforms = [] } = pushing;
  const whole = { root: { descriptor, keep: undefined }, onlyPlatform: undefined };
  const name = familiarReference(pushing.name);
  const [first, second] = platforms;
  if (!isIndexType(descriptor.mediaType)) return whole;
  if (first !== undefined && second === undefined) {
    const manifest = await pickManifest(store, { descriptor, name, platform: first }, call);
    return { root: { descriptor: manifest, keep: undefined }, onlyPlatform: undefined };
  }
  const { manifests } = readIndex(await readDocument(store, descriptor, call), descriptor.mediaType);
  const wanted = platforms.length === 0 ? manifests : await wantedOf(store, { ...pushing, platforms, manifests }, call);
  const missing: Descriptor[] = [];
  const present: Descriptor[] = [];
  for (const child of wanted) {
    if (isAttestation(child)) continue;
    (await store.has(child, call) ? present : missing).push(child);
  }
  if (missing.length === 0) {
    return wanted === manifests
      ? whole
      : { root: { descriptor, keep: new Set(wanted.map(({ digest }) => digest)) }, onlyPlatform: undefined };
  }
  const [only, other] = present;
  if (platforms.length === 0 && only !== undefined && other === undefined) {
    const { mediaType, digest, size, platform } = only;
    const onlyPlatform = platform === undefined ? "one platform" : formatPlatform(platform);
    return { root: { descriptor: { mediaType, digest, size }, keep: undefined }, onlyPlatform };
  }
  throw incomplete(name, missing);
}

/** The entries for some platforms, with the attestations about them. */
async function wantedOf(
  store: Store,
  index: {
    readonly name: Reference;
    readonly descriptor: Descriptor;
    readonly platforms: readonly Platform[];
    readonly manifests: readonly Descriptor[];
  },
  call: Call,
): Promise<readonly Descriptor[]> {
  const { descriptor, platforms, manifests } = index;
  const chosen = new Set<Digest>();
  for (const platform of platforms) {
    const path: Descriptor[] = [];
    await pickManifest(store, { descriptor, name: familiarReference(index.name), platform, path }, call);
    if (path[0] !== undefined) chosen.add(path[0].digest);
  }
  const isChosen = ({ digest, annotations }: Descriptor): boolean =>
    chosen.has(digest) || [...chosen].some((each) => each === annotations?.["vnd.docker.reference.digest"]);
  return manifests.filter(isChosen);
}

function incomplete(name: string, missing: readonly Descriptor[]): EngineError {
  const lacking = missing.map(({ platform, digest }) => platform === undefined ? digest : formatPlatform(platform));
  return new EngineError("NOT_FOUND", `Cannot push "${name}": the store does not have it for ${lacking.join(", ")}`, {
    detail: { kind: "platform", name: lacking.join(",") },
    hint: "Choose what there is with --platform, or pull it with --all-platforms first",
  });
}
