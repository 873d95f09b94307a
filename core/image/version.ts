import { normalizePlatform } from "../oci/platform.ts";
import { strataVersion } from "./strata_version.ts";

export { strataVersion };

/** What `version` shows. */
export interface VersionResult {
  /** Version of strata. */
  readonly version: string;
  /** Version of the plugin contract. */
  readonly pluginApi: number;
  /** Version of the run time. */
  readonly deno: string;
  /** `linux`, `darwin` or `windows`. */
  readonly os: string;
  /** GOARCH value of the host. */
  readonly architecture: string;
}

/**
 * Reads the versions; touches nothing but the run time's own constants.
 *
 * @example The version of strata
 * ```ts
 * import { readVersion } from "@strata/strata";
 *
 * console.log(readVersion().version);
 * ```
 */
export function readVersion(): VersionResult {
  const { os, architecture } = normalizePlatform({ os: Deno.build.os, architecture: Deno.build.arch });
  return { version: strataVersion, pluginApi: 1, deno: Deno.version.deno, os, architecture };
}
