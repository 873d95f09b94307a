import type { Descriptor, Platform } from "../oci/descriptor.ts";
import type { ExecConfig } from "../oci/image_config.ts";

/**
 * One line of image history before digests are known.
 *
 * @example A step that adds no layer
 * ```ts
 * import type { HistoryStep } from "@strata/strata/contract";
 *
 * const step: HistoryStep = { createdBy: "ENV LANG=C", emptyLayer: true };
 * console.log(step.createdBy);
 * ```
 */
export interface HistoryStep {
  /** Instruction text shown by `image history`. */
  readonly createdBy: string;
  /** True when the step changed only the config. */
  readonly emptyLayer: boolean;
  /** Free text, e.g. the build file format. */
  readonly comment?: string;
}

/**
 * What a base image contributes to a parse.
 *
 * @example Take over what the base sets
 * ```ts
 * import type { BaseImage, BuildGraph } from "@strata/strata/contract";
 *
 * function onTopOf({ config, platform }: BaseImage): Pick<BuildGraph, "config" | "platform"> {
 *   return { config: { ...config, Cmd: ["sh"] }, platform };
 * }
 * ```
 */
export interface BaseImage {
  /** Its manifest, pinned. */
  readonly descriptor: Descriptor;
  /** Platform of the manifest. */
  readonly platform: Platform;
  /** Its exec config, `OnBuild` triggers included. */
  readonly config: ExecConfig;
}
