import { EngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { isDigest } from "../oci/digest.ts";
import { familiarRepository, parseReference, type Reference } from "../oci/reference.ts";

/** A repository of the store: the images whose names differ in tag and digest only. */
export type Repository = Pick<Reference, "host" | "repository">;

const pathPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/**
 * The repository of the store that clients of its registry call by a path: it is read as a name on a command line is, so `app` is
 * `docker.io/library/app`, and `ghcr.io/team/app` is that. Throws `INVALID_ARGUMENT` for what is no name of a repository
 * (distribution-spec, "Pulling manifests").
 */
export function readRepository(path: string): Repository {
  if (!pathPattern.test(path)) {
    throw new EngineError("INVALID_ARGUMENT", `Cannot use repository "${path.slice(0, 300)}": it is no name`, {
      detail: { field: "name", value: path.slice(0, 300) },
    });
  }
  const { host, repository } = parseReference(path);
  return { host, repository };
}

/** The path that clients call a repository by; undefined where there is none: a host with a port cannot be part of one. */
export function repositoryPath(repository: Repository): string | undefined {
  const path = familiarRepository(repository);
  return pathPattern.test(path) ? path : undefined;
}

/** A tag or a digest, as it stands in a request. Throws `INVALID_ARGUMENT` for neither. */
export function readTagOrDigest(text: string): { readonly tag: string } | { readonly digest: Digest } {
  if (isDigest(text)) return { digest: text };
  if (tagPattern.test(text)) return { tag: text };
  throw new EngineError("INVALID_ARGUMENT", `Cannot use "${text.slice(0, 160)}": it is neither tag nor digest`, {
    detail: { field: "reference", value: text.slice(0, 160) },
  });
}
