import type { Call, Descriptor, Kit, Named, TransportSource } from "../../core/contract/mod.ts";
import { blobPath, broken, isRecord, parseJson, readIndexDocument } from "./documents.ts";
import { type Files, readDocument } from "./files.ts";
import { layoutReferrers } from "./layout_referrers.ts";
import { byName, fullNameKey, refNameKey, splitTag } from "./named.ts";
import { namesOf, plainSource } from "./places.ts";

/**
 * Reads an OCI image layout (image-spec, image-layout.md). Names are the full one where containerd's annotation gives it, else the
 * `ref.name`, else `@<digest>`. Takes over `files`. Rejects `INVALID_ARGUMENT` when it is no layout.
 */
export async function openLayoutSource(files: Files, kit: Kit, call: Call): Promise<TransportSource> {
  const index = await readDocument(files, "index.json", { kit, call });
  const marker = await readDocument(files, "oci-layout", { kit, call });
  const place = { kit, label: files.label, path: index === undefined ? "index.json" : "oci-layout" };
  if (index === undefined || marker === undefined) throw broken(place, "missing, expected an OCI image layout");
  const layout = parseJson(marker, place);
  if (!isRecord(layout) || typeof layout.imageLayoutVersion !== "string") throw broken(place, "no imageLayoutVersion");
  if (!layout.imageLayoutVersion.startsWith("1.")) {
    throw kit.error(
      "UNSUPPORTED",
      `Cannot read "${files.label}": image layout version "${layout.imageLayoutVersion}"`,
      {
        detail: { what: layout.imageLayoutVersion, known: ["1.0.0"] },
      },
    );
  }
  const { manifests } = readIndexDocument(index, { ...place, path: "index.json" });
  const named = nameAll(
    manifests,
    (name) => broken({ ...place, path: "index.json" }, `two images are named "${name}"`),
  );
  return {
    ...namesOf(named),
    ...plainSource,
    referrers: (query, openCall) => layoutReferrers(query, { files, roots: manifests, kit }, openCall),
    resolve: (name) => Promise.resolve(named.find((item) => item.name === name)?.descriptor),
    open: (descriptor, openCall, offset) => files.open(blobPath(descriptor.digest), openCall, offset),
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };
}

function nameAll(manifests: readonly Descriptor[], fail: (name: string) => Error): readonly Named[] {
  const named = new Map<string, Named>();
  for (const { annotations, ...descriptor } of manifests) {
    const name = nameOf(annotations ?? {}) ?? `@${descriptor.digest}`;
    const known = named.get(name);
    if (known !== undefined && known.descriptor.digest !== descriptor.digest) throw fail(name);
    named.set(name, { name, descriptor });
  }
  return byName([...named.values()]);
}

/** The full name, unless its tag is not the one in `ref.name`: a tool that makes a new image of one here carries the other over. */
function nameOf(annotations: Readonly<Record<string, string>>): string | undefined {
  const { [fullNameKey]: full, [refNameKey]: short } = annotations;
  if (full === undefined || short === undefined) return full ?? short;
  const isTag = !/[:/]/.test(short);
  return isTag && splitTag(full).tag !== short ? short : full;
}
