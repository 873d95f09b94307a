import type { StepSummary } from "../build/solve.ts";
import type { Json } from "../oci/canonical_json.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import type { BuildWarning } from "./build_plan.ts";

/**
 * One platform's image of a build.
 *
 * @example Platforms that were built
 * ```ts
 * import type { PlatformImage } from "@strata/strata";
 *
 * function names(images: readonly PlatformImage[]): string[] {
 *   return images.map(({ platform }) => `${platform.os}/${platform.architecture}`);
 * }
 * console.log(names([]));
 * ```
 */
export interface PlatformImage {
  /** Its platform. */
  readonly platform: Platform;
  /** Its manifest, with no annotations but those asked for. */
  readonly manifest: Descriptor;
  /** Digest of its config: the image ID. */
  readonly id: Digest;
  /** Its layers' diffIDs, base first. */
  readonly diffIds: readonly Digest[];
}

/**
 * The image a build made.
 *
 * @example Its names and its ID
 * ```ts
 * import type { BuiltImage } from "@strata/strata";
 *
 * const show = ({ id, familiarTags, alias }: BuiltImage): string => `${familiarTags.join(", ") || alias}: ${id}`;
 * ```
 */
export interface BuiltImage {
  /** Image ID: digest of the config, or of the index when there are several platforms. */
  readonly id: Digest;
  /** Manifest or index; of one that was pushed, as it is in the registry. */
  readonly descriptor: Descriptor;
  /** Digest of the manifest or index. */
  readonly digest: Digest;
  /** Two words that stand for the ID. */
  readonly alias: string;
  /** Full names it has now, in the order they were asked for, e.g. `docker.io/library/app:1`. */
  readonly tags: readonly string[];
  /** The same names as people write them, e.g. `app:1`. */
  readonly familiarTags: readonly string[];
  /** Whether it is in the store; false when every output went elsewhere. */
  readonly isStored: boolean;
  /** Full names under which it was pushed, in their order. */
  readonly pushed: readonly string[];
  /** One for each platform, in the order they were asked for. */
  readonly platforms: readonly PlatformImage[];
}

export type { BuildWarning, StepSummary };

/**
 * What a build made.
 *
 * @example Whether anything had to be built
 * ```ts
 * import type { BuildResult } from "@strata/strata";
 *
 * const isCached = ({ steps }: BuildResult): boolean => steps.built === 0;
 * ```
 */
export interface BuildResult {
  /** The image; undefined when only files were asked for (`local`, `tar`, `cacheonly`). */
  readonly image: BuiltImage | undefined;
  /** How many steps it had. */
  readonly steps: StepSummary;
  /** Warnings of the build file, in order. */
  readonly warnings: readonly BuildWarning[];
  /**
   * What `--metadata-file` holds: `containerimage.digest`, `containerimage.config.digest` (one platform only),
   * `containerimage.descriptor` and `image.name` (canonical names joined by `,`); empty without an image.
   */
  readonly metadata: Readonly<Record<string, Json>>;
}
