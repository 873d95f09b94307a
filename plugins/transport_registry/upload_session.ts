import type { Answer } from "./answer.ts";
import { type LeadContext, leadTo } from "./redirect.ts";

/** An upload that a registry has begun. */
export interface UploadSession {
  /** Where it goes on, with a query of its own. */
  readonly location: URL;
  /** Bytes that the registry has. */
  readonly offset: number;
  /** Fewest bytes that a part but the last may have. */
  readonly minChunkBytes: number;
  /** Whether the registry has to be asked where it stands. */
  readonly isCut: boolean;
}

/** The session that an answer begins or continues. Throws `REMOTE_FAILED` when it leads nowhere. */
export function readLocation(
  answer: Answer,
  context: LeadContext & { readonly offset: number; readonly before: UploadSession | undefined },
): UploadSession {
  const { offset, before } = context;
  const given = answer.headers.get("location");
  const location = given === null && before !== undefined ? before.location : leadTo(given, answer.url, context);
  const least = answer.headers.get("oci-chunk-min-length") ?? "";
  const minChunkBytes = /^\d{1,15}$/.test(least) ? Number(least) : before?.minChunkBytes ?? 0;
  return { location, offset, minChunkBytes, isCut: false };
}

/** Number of bytes that a `Range` header of an upload tells, with or without `bytes=` before it; undefined when it tells none. */
export function readRange(headers: Headers): number | undefined {
  const [, end] = /^\s*(?:bytes\s*[=\s]\s*)?0\s*-\s*(\d{1,15})\s*$/i.exec(headers.get("range") ?? "") ?? [];
  return end === undefined ? undefined : Number(end) + 1;
}
