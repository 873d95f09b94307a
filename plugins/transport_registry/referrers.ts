import type { Call, Descriptor, Digest, Kit, ReferrerQuery } from "../../core/contract/mod.ts";
import { isDigest } from "./address.ts";
import { type RegistryClient, repositoryScope } from "./client.ts";
import { fetchManifest } from "./manifest.ts";
import { essence, indexType } from "./media_type.ts";
import { readPages } from "./pages.ts";

/** Where referrers are read from. */
export interface ReferrerPlace {
  /** The server. */
  readonly client: RegistryClient;
  /** Makes errors. */
  readonly kit: Kit;
}

/**
 * Manifests that are about another one, each once: by the referrers API, or by the tag that stands in for it where the registry has
 * none (distribution-spec, "Listing Referrers"). Rejects as the client does.
 */
export async function* listReferrers(
  { subject, artifactType }: ReferrerQuery,
  { client, kit }: ReferrerPlace,
  call: Call,
): AsyncGenerator<Descriptor> {
  const { host, repository } = client.endpoint;
  const filter = artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
  const request = {
    method: "GET",
    at: `referrers/${subject.digest}${filter}`,
    headers: { accept: indexType },
    scopes: [repositoryScope(repository, "pull")],
    doing: `list referrers of "${subject.digest}" in "${host}/${repository}"`,
  };
  const seen = new Set<Digest>();
  let isKnown = false;
  for await (const { value } of readPages(request, { client, kit }, call)) {
    isKnown = true;
    yield* select(readReferrers(value), { artifactType, seen });
  }
  if (isKnown) return;
  const index = await fetchManifest(referrersTag(subject.digest), { client, kit }, call);
  if (index === undefined || essence(index.descriptor.mediaType) !== indexType) return;
  yield* select(readReferrers(JSON.parse(new TextDecoder().decode(index.bytes))), { artifactType, seen });
}

/** Tag that stands in for the referrers API (distribution-spec, "Referrers Tag Schema"). */
export function referrersTag(digest: Digest): string {
  const colon = digest.indexOf(":");
  const [algorithm, encoded] = [digest.slice(0, colon).slice(0, 32), digest.slice(colon + 1).slice(0, 64)];
  return `${algorithm}-${encoded}`.replace(/[^A-Za-z0-9_.-]/g, "-");
}

/** Descriptors of an index of referrers; what is none is left out. */
export function readReferrers(value: unknown): readonly Descriptor[] {
  const { manifests } = { manifests: undefined, ...(typeof value === "object" ? value : {}) };
  return (Array.isArray(manifests) ? manifests : []).flatMap((item: unknown) => {
    if (typeof item !== "object" || item === null) return [];
    const { mediaType, digest, size, artifactType, annotations } = item as Readonly<Record<string, unknown>>;
    if (typeof mediaType !== "string" || mediaType === "" || !isDigest(digest)) return [];
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) return [];
    return [{
      mediaType,
      digest,
      size,
      ...(typeof artifactType === "string" ? { artifactType } : {}),
      ...(isTexts(annotations) ? { annotations } : {}),
    }];
  });
}

interface Selection {
  readonly artifactType: string | undefined;
  readonly seen: Set<Digest>;
}

/** Filters also what the registry says to have filtered: it costs nothing and needs no trust in `OCI-Filters-Applied`. */
function* select(referrers: readonly Descriptor[], { artifactType, seen }: Selection): Generator<Descriptor> {
  for (const referrer of referrers) {
    if (seen.has(referrer.digest)) continue;
    if (artifactType !== undefined && referrer.artifactType !== artifactType) continue;
    seen.add(referrer.digest);
    yield referrer;
  }
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === "object" && value !== null && Object.values(value).every((text) => typeof text === "string");
}
