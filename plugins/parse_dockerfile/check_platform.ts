import type { BaseImage, Platform, SourceRange } from "../../core/contract/mod.ts";
import type { Checks } from "./checks.ts";
import { formatPlatform } from "./platform.ts";

/** An image that was asked for. */
export interface ImageUse {
  readonly reference: string;
  /** Platform that was asked for. */
  readonly platform: Platform;
  readonly at: SourceRange;
}

/** Whether an image has the platform that it was asked for, variants aside; reports it when it has not. */
export function checkPlatform(image: BaseImage, use: ImageUse, checks: Checks): boolean {
  const { os, architecture } = image.platform;
  if (os === use.platform.os && architecture === use.platform.architecture) return true;
  const given = formatPlatform(image.platform);
  const message = `Base image ${use.reference} has platform "${given}", expected "${formatPlatform(use.platform)}"`;
  checks.report("InvalidBaseImagePlatform", use.at, message);
  return false;
}
