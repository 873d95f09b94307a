import type { Call, Descriptor, Digest, Kit, ReferrerQuery } from "../../core/contract/mod.ts";
import { blobPath, isRecord, parseJson } from "./documents.ts";
import { type Files, readDocument } from "./files.ts";
import { isDocument } from "./roots.ts";

/** A layout that is looked through. */
export interface LayoutContent {
  /** Its files. */
  readonly files: Files;
  /** What its index lists. */
  readonly roots: readonly Descriptor[];
  /** Makes errors. */
  readonly kit: Kit;
}

/**
 * What a layout's index lists that is about a manifest, each once, with its artifact type and annotations (distribution-spec,
 * "Listing Referrers"). Rejects `INVALID_ARGUMENT` for a document that is no JSON.
 */
export async function* layoutReferrers(
  { subject, artifactType }: ReferrerQuery,
  { files, roots, kit }: LayoutContent,
  call: Call,
): AsyncGenerator<Descriptor> {
  const seen = new Set<Digest>();
  for (const { mediaType, digest, size } of roots) {
    if (seen.has(digest) || !isDocument(mediaType)) continue;
    seen.add(digest);
    const path = blobPath(digest);
    const bytes = await readDocument(files, path, { kit, call });
    if (bytes === undefined) continue;
    const document = parseJson(bytes, { kit, label: files.label, path });
    if (!isRecord(document) || !isRecord(document.subject) || document.subject.digest !== subject.digest) continue;
    const config = isRecord(document.config) ? document.config.mediaType : undefined;
    const type = [document.artifactType, config].find((each) => typeof each === "string" && each !== "");
    if (artifactType !== undefined && type !== artifactType) continue;
    yield {
      mediaType,
      digest,
      size,
      ...(typeof type === "string" ? { artifactType: type } : {}),
      ...(isTexts(document.annotations) ? { annotations: document.annotations } : {}),
    };
  }
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isRecord(value) && Object.values(value).every((text) => typeof text === "string");
}
