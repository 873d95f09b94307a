import type { Call } from "../contract/call.ts";
import type { ContentSink } from "../contract/content.ts";
import type { TransportSource } from "../contract/transport.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { digestHex } from "../oci/digest.ts";
import { isIndexType } from "../oci/media_type.ts";
import { readIndex } from "../oci/validate.ts";
import { readDocument } from "../store/graph.ts";
import { verifiedSource } from "../store/verified.ts";
import type { GraphCopier } from "./graph_copier.ts";

/** Where referrers are read, and where they go. */
export interface ReferrersCopy {
  readonly source: TransportSource;
  readonly sink: ContentSink;
  readonly copier: GraphCopier;
  /** What the copied manifests are about. */
  readonly root: Descriptor;
}

/** Referrers may have referrers, such as the signature of an SBOM; this deep. */
const maxDepth = 4;
/** Tags in which cosign keeps what is about a manifest, where a registry knows no referrers. */
const cosignSuffixes = ["sig", "att", "sbom"];

/**
 * Copies what is about a manifest or index, and about the manifests in it: signatures, SBOMs, attestations, by `subject` and by cosign's
 * tags. Gives how many there were.
 */
export async function copyReferrers(copy: ReferrersCopy, call: Call): Promise<number> {
  const seen = new Set<Digest>();
  let count = await copyAbout(copy, { subject: copy.root, depth: 0, seen }, call);
  if (!isIndexType(copy.root.mediaType)) return count;
  const bytes = await readDocument(verifiedSource(copy.source), copy.root, call);
  for (const child of readIndex(bytes, copy.root.mediaType).manifests) {
    count += await copyAbout(copy, { subject: child, depth: 0, seen }, call);
  }
  return count;
}

interface About {
  readonly subject: Descriptor;
  readonly depth: number;
  readonly seen: Set<Digest>;
}

async function copyAbout(copy: ReferrersCopy, { subject, depth, seen }: About, call: Call): Promise<number> {
  if (depth === maxDepth || seen.has(subject.digest)) return 0;
  seen.add(subject.digest);
  const { source, sink, copier } = copy;
  let count = 0;
  for (const referrer of await Array.fromAsync(source.referrers({ subject }, call))) {
    await copier.copy(referrer);
    // A layout lists what its index names; a registry knows it already.
    await sink.tag(referrer, `@${referrer.digest}`, call);
    count += 1 + await copyAbout(copy, { subject: referrer, depth: depth + 1, seen }, call);
  }
  for (const suffix of cosignSuffixes) {
    const tag = `${subject.digest.slice(0, subject.digest.indexOf(":"))}-${digestHex(subject.digest)}.${suffix}`;
    const found = await source.resolve(tag, call);
    if (found === undefined) continue;
    await copier.copy(found);
    await sink.tag(found, tag, call);
    count++;
  }
  return count;
}
