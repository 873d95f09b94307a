import { normalizePlatform } from "../oci/platform.ts";
import { readCommit } from "./strata_commit.ts";
import { strataVersion } from "./strata_version.ts";

export { strataVersion };

/**
 * What `version` shows.
 *
 * @example One line
 * ```ts
 * import { readVersion, type VersionResult } from "@strata/strata";
 *
 * const { version, commit, deno }: VersionResult = readVersion();
 * console.log(`strata ${version}, commit ${commit}, Deno ${deno}`);
 * ```
 */
export interface VersionResult {
  /** Version of strata. */
  readonly version: string;
  /** Commit that it was made from, 40 hex digits; `unknown` where nothing tells it or its folder may not be read. */
  readonly commit: string;
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
 * Reads the versions, and of a checkout of strata the commit when its folder may be read.
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
  return { version: strataVersion, commit: readCommit(), pluginApi: 1, deno: Deno.version.deno, os, architecture };
}
