/** Media types of the OCI image-spec (media-types.md) and of Docker's image manifest v2 schema 2. */
export const MediaType = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  layerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  layerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  empty: "application/vnd.oci.empty.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
  dockerForeignLayer: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  dockerManifestV1: "application/vnd.docker.distribution.manifest.v1+json",
  dockerManifestV1Signed: "application/vnd.docker.distribution.manifest.v1+prettyjws",
  /** Table of contents of one layer; strata's own, derived from the layer. */
  layerIndex: "application/vnd.strata.layer.index.v1+json",
  /** Records of a build cache that machines share; strata's own. */
  cacheConfig: "application/vnd.strata.cache.config.v1+json",
  /** Bytes of no known type, e.g. a downloaded file. */
  octetStream: "application/octet-stream",
} as const;

/** Whether the type is that of an image index or a Docker manifest list; parameters are ignored. */
export function isIndexType(mediaType: string): boolean {
  const type = essence(mediaType);
  return type === MediaType.index || type === MediaType.dockerManifestList;
}

/** Whether the type is that of an image manifest; parameters are ignored. */
export function isManifestType(mediaType: string): boolean {
  const type = essence(mediaType);
  return type === MediaType.manifest || type === MediaType.dockerManifest;
}

/** The type without its parameters, lower-cased (RFC 6838 compares types without regard to case). */
export function essence(mediaType: string): string {
  const end = mediaType.indexOf(";");
  return (end < 0 ? mediaType : mediaType.slice(0, end)).trim().toLowerCase();
}
