import type { Descriptor } from "./descriptor.ts";

/** OCI image manifest (image-spec, manifest.md); Docker's schema 2 manifest has the same shape. */
export interface Manifest {
  /** Always 2. */
  readonly schemaVersion: 2;
  /** Media type of this document. */
  readonly mediaType?: string;
  /** Type of the artifact, when it is not an image. */
  readonly artifactType?: string;
  /** The image configuration. */
  readonly config: Descriptor;
  /** Layers, base first. */
  readonly layers: readonly Descriptor[];
  /** Manifest this one is about. */
  readonly subject?: Descriptor;
  /** OCI annotations. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** OCI image index (image-spec, image-index.md); Docker's manifest list has the same shape. */
export interface ImageIndex {
  /** Always 2. */
  readonly schemaVersion: 2;
  /** Media type of this document. */
  readonly mediaType?: string;
  /** Type of the artifact. */
  readonly artifactType?: string;
  /** Manifests or nested indexes, in order of preference. */
  readonly manifests: readonly Descriptor[];
  /** Manifest this one is about. */
  readonly subject?: Descriptor;
  /** OCI annotations. */
  readonly annotations?: Readonly<Record<string, string>>;
}
