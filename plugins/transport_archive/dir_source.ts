import type { Call, Descriptor, Kit, Named, TransportSource } from "../../core/contract/mod.ts";
import { broken, isRecord, parseJson } from "./documents.ts";
import { type Files, readDocument } from "./files.ts";
import { namesOf, plainSource } from "./places.ts";
import { hexOf } from "./roots.ts";

/** First line of the `version` file of skopeo's `dir:` form. */
export const dirVersion = "Directory Transport Version: ";

/**
 * Reads skopeo's `dir:` form: `manifest.json`, blobs under their hex digest, manifests of an index as `<hex>.manifest.json`. Its
 * one image has the name `@<digest>`. Takes over `files`. Rejects `INVALID_ARGUMENT`.
 */
export async function openDirSource(files: Files, kit: Kit, call: Call): Promise<TransportSource> {
  const place = { kit, label: files.label, path: "manifest.json" };
  const bytes = await readDocument(files, "manifest.json", { kit, call });
  if (bytes === undefined) throw broken(place, "missing, expected a directory that skopeo wrote");
  const digest = await kit.sha256(bytes);
  const named: Named = {
    name: `@${digest}`,
    descriptor: { mediaType: mediaTypeOf(parseJson(bytes, place), place), digest, size: bytes.length },
  };
  return {
    ...namesOf([named]),
    ...plainSource,
    resolve: (name) => Promise.resolve(name === named.name ? named.descriptor : undefined),
    open: async (descriptor, openCall, offset) => files.open(await pathOf(descriptor), openCall, offset),
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };

  async function pathOf(descriptor: Descriptor): Promise<string> {
    if (descriptor.digest === digest) return "manifest.json";
    const path = hexOf(descriptor.digest);
    return await files.size(path) === undefined ? `${path}.manifest.json` : path;
  }
}

function mediaTypeOf(document: unknown, place: { kit: Kit; label: string; path: string }): string {
  if (isRecord(document)) {
    if (typeof document.mediaType === "string") return document.mediaType;
    if (Array.isArray(document.manifests)) return "application/vnd.oci.image.index.v1+json";
    if (isRecord(document.config)) return "application/vnd.oci.image.manifest.v1+json";
  }
  throw broken(place, "neither an image manifest nor an index");
}
