/** Types of manifests and indexes that are asked for, in the order of preference; the last says that others are told, not hidden. */
export const acceptedTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "*/*",
].join(", ");

/** Type of an OCI image index. */
export const indexType = "application/vnd.oci.image.index.v1+json";
/** Type of an OCI image manifest. */
export const manifestType = "application/vnd.oci.image.manifest.v1+json";

const manifestTypes: ReadonlySet<string> = new Set([
  indexType,
  manifestType,
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.artifact.manifest.v1+json",
]);

/** Types that servers give when they do not know. */
const vagueTypes: ReadonlySet<string> = new Set(["", "application/json", "text/plain", "application/octet-stream"]);

/** The type without its parameters, in lower case. */
export function essence(mediaType: string | null | undefined): string {
  return (mediaType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** Whether content of a type is kept among manifests, not among blobs. */
export function isManifestType(mediaType: string): boolean {
  return manifestTypes.has(essence(mediaType));
}

/** Whether a type says nothing about a document. */
export function isVagueType(mediaType: string): boolean {
  return vagueTypes.has(mediaType);
}

/** Whether a type is that of Docker's first image format, which has no layers that can be checked. */
export function isSchema1(mediaType: string): boolean {
  return /^application\/vnd\.docker\.distribution\.manifest\.v1\+(json|prettyjws)$/.test(mediaType);
}
