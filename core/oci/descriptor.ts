/**
 * Content digest as `algorithm:hex`, e.g. `sha256:e3b0…` (OCI image-spec, descriptor.md).
 *
 * @example The digest of nothing
 * ```ts
 * import type { Digest } from "@strata/strata";
 *
 * const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array()));
 * const digest: Digest = `sha256:${bytes.toHex()}`;
 * console.log(digest);
 * ```
 */
export type Digest = `${string}:${string}`;

/**
 * OCI platform (image-spec, image-index.md).
 *
 * @example A small computer
 * ```ts
 * import type { Platform } from "@strata/strata";
 *
 * const platform: Platform = { os: "linux", architecture: "arm", variant: "v7" };
 * console.log(Object.values(platform).join("/"));
 * ```
 */
export interface Platform {
  /** GOOS value, e.g. `linux`. */
  readonly os: string;
  /** GOARCH value, e.g. `amd64`. */
  readonly architecture: string;
  /** CPU variant, e.g. `v8`. */
  readonly variant?: string;
  /** Operating system version, used by Windows images. */
  readonly "os.version"?: string;
  /** Operating system features, used by Windows images. */
  readonly "os.features"?: readonly string[];
}

/**
 * OCI content descriptor: names bytes by type, digest and size (image-spec, descriptor.md).
 *
 * @example A layer of 1 kB
 * ```ts
 * import type { Descriptor } from "@strata/strata";
 *
 * const layer: Descriptor = {
 *   mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
 *   digest: `sha256:${"0".repeat(64)}`,
 *   size: 1024,
 * };
 * console.log(layer.size);
 * ```
 */
export interface Descriptor {
  /** RFC 6838 media type of the bytes. */
  readonly mediaType: string;
  /** Digest of the bytes as stored. */
  readonly digest: Digest;
  /** Length of the bytes as stored, in bytes. */
  readonly size: number;
  /** Set on entries of an image index. */
  readonly platform?: Platform;
  /** OCI annotations. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where else the bytes can be had; set on layers that are not distributable. */
  readonly urls?: readonly string[];
  /** Type of the artifact, on entries of an image index. */
  readonly artifactType?: string;
  /** The bytes themselves in base64, where they are few. */
  readonly data?: string;
}
