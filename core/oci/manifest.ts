import type { Descriptor } from "./descriptor.ts";

/**
 * OCI image manifest (image-spec, manifest.md); Docker's schema 2 manifest has the same shape.
 *
 * @example Bytes that a pull takes
 * ```ts
 * import type { Manifest } from "@strata/strata";
 *
 * function size({ config, layers }: Manifest): number {
 *   return layers.reduce((sum, layer) => sum + layer.size, config.size);
 * }
 * ```
 */
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

/**
 * OCI image index (image-spec, image-index.md); Docker's manifest list has the same shape.
 *
 * @example Architectures of an image
 * ```ts
 * import type { ImageIndex } from "@strata/strata";
 *
 * function architectures({ manifests }: ImageIndex): string[] {
 *   return manifests.flatMap(({ platform }) => platform === undefined ? [] : [platform.architecture]);
 * }
 * ```
 */
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
