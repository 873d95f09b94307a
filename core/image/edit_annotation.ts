import type { Platform } from "../oci/descriptor.ts";
import { formatPlatform, normalizePlatform } from "../oci/platform.ts";
import type { Annotation, AnnotationScope } from "./annotation.ts";

/** Annotations that are set and unset. */
export interface AnnotationChange {
  readonly annotations: readonly Annotation[];
  /** Those to take away; their values do not count. */
  readonly unsetAnnotations: readonly Annotation[];
}

/** Annotations of one document or entry with those that are for it; undefined when there are none left. */
export function annotate(
  given: Readonly<Record<string, string>> | undefined,
  { annotations, unsetAnnotations }: AnnotationChange,
  place: { readonly scope: AnnotationScope; readonly of?: Platform },
): Readonly<Record<string, string>> | undefined {
  const isHere = ({ scope, platform }: Annotation): boolean =>
    scope === place.scope &&
    (platform === undefined || (place.of !== undefined && text(platform) === text(place.of)));
  const result: Record<string, string> = { ...given };
  for (const { key } of unsetAnnotations.filter(isHere)) delete result[key];
  for (const { key, value } of annotations.filter(isHere)) result[key] = value;
  return Object.keys(result).length === 0 ? undefined : result;
}

function text(platform: Platform): string {
  return formatPlatform(normalizePlatform(platform));
}
