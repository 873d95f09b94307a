import type { Digest, Kit } from "../../core/contract/mod.ts";

/** A repository of a registry, and what of it is meant. */
export interface Address {
  /** Host and port as users write them, e.g. `docker.io`. */
  readonly host: string;
  /** Repository, e.g. `library/alpine`. */
  readonly repository: string;
  /** The one tag that is meant. */
  readonly tag?: string;
  /** The one manifest that is meant; it wins over the tag. */
  readonly digest?: Digest;
}

const digestPattern = /^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** Parses `host/repository`, with `:tag` or `@digest` where one image is meant. Throws `INVALID_ARGUMENT`. */
export function parseAddress(text: string, kit: Kit): Address {
  const { host, repository, tag, digest } = kit.parseReference(text);
  if (digest !== undefined) return { host, repository, digest };
  // Without either, parseReference() gives `latest`.
  const isTagged = tag !== undefined && text.endsWith(`:${tag}`);
  return isTagged ? { host, repository, tag } : { host, repository };
}

/** Host and repository, as they are shown. */
export function showRepository({ host, repository }: Pick<Address, "host" | "repository">): string {
  return `${host}/${repository}`;
}

/** Whether a text is a digest of a known algorithm. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && digestPattern.test(text);
}

/** Whether a text is a tag (distribution-spec, "Pulling manifests"). */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}
