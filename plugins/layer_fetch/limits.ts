import type { PluginHost } from "../../core/contract/mod.ts";

/** Bounds of a download. */
export interface FetchLimits {
  /** Most bytes a download may have. */
  readonly maxBytes: number;
  /** Most milliseconds without an answer or without a byte. */
  readonly idleTimeoutMs: number;
  /** Milliseconds before a download is tried again for the first time; each later wait is four times as long. */
  readonly retryDelayMs: number;
}

/** Used where the config says nothing: 16 GiB, 60 seconds, 250 milliseconds. */
export const defaultLimits: FetchLimits = { maxBytes: 16 * 2 ** 30, idleTimeoutMs: 60_000, retryDelayMs: 250 };

/** Reads the plugin's config; all members may be left out. Throws `INVALID_ARGUMENT`. */
export function readLimits({ config, kit }: PluginHost): FetchLimits {
  const limits = { ...defaultLimits };
  for (const [field, value] of Object.entries(config)) {
    const isLimit = field === "maxBytes" || field === "idleTimeoutMs" || field === "retryDelayMs";
    if (isLimit && typeof value === "number" && Number.isSafeInteger(value) && value > 0) limits[field] = value;
    else {
      throw kit.error("INVALID_ARGUMENT", `Cannot use config of "layer-fetch": "${field}" is unknown or malformed`, {
        detail: { field, value },
        hint: "Give maxBytes, idleTimeoutMs and retryDelayMs as whole numbers, or leave them out",
      });
    }
  }
  return limits;
}
