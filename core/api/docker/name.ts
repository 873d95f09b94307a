import { isEngineError } from "../../errors.ts";
import { familiarReference, parseReference, type Reference } from "../../oci/reference.ts";
import { dockerError } from "./error.ts";

/** Reads the name of an image. Throws in docker's words. */
export function readName(text: string): Reference {
  try {
    return parseReference(text);
  } catch (cause) {
    if (!isEngineError(cause)) throw cause;
    throw dockerError(400, invalidName(text), cause);
  }
}

/** Reads a repository and a tag that are given apart, as `repo` and `tag` of a query are. Throws in docker's words. */
export function readRepositoryAndTag(repository: string, tag: string): Reference {
  const reference = readName(repository);
  if (reference.digest !== undefined) throw dockerError(400, "cannot import digest reference");
  if (tag === "") return reference;
  const { host, repository: path } = reference;
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(tag)) throw dockerError(400, "invalid tag format");
  return { host, repository: path, tag };
}

/** The name that a user gave as docker shows it, with the usual tag where it has none; as it is when it is no name. */
export function shownName(text: string): string {
  try {
    return familiarReference(parseReference(text));
  } catch {
    return text;
  }
}

/** What docker says when there is no such image. */
export function noSuchImage(text: string, cause?: unknown): Error {
  return dockerError(404, `No such image: ${shownName(text).slice(0, 300)}`, cause);
}

/**
 * The error of looking up an image in docker's words: an image that is not there, or a start of an ID that several have, which docker takes
 * for none.
 */
export function ofLookup(error: unknown, text: string): unknown {
  if (!isEngineError(error)) return error;
  const isImage = error.code === "NOT_FOUND" && error.detail["kind"] === "image";
  const isAmbiguous = error.code === "CONFLICT" && "candidates" in error.detail;
  if (!isImage && !isAmbiguous) return error;
  // What cannot be a name is told so, as docker does when nothing has such an ID.
  if (!/^(?:sha256:)?[0-9a-f]{1,64}$/.test(text)) readName(text);
  return noSuchImage(text, error);
}

function invalidName(text: string): string {
  const name = text.slice(0, 300);
  const [repository = ""] = name.replace(/@.*$/, "").split(/:(?=[^/]*$)/);
  const own = repository.replace(/^(?:[^/]*[.:][^/]*|localhost)\//, "");
  const path = own === repository && !own.includes("/") ? `library/${own}` : own;
  if (path !== path.toLowerCase() && /^[\w./-]+$/.test(path)) {
    return `invalid reference format: repository name (${path}) must be lowercase`;
  }
  if (/^[a-f0-9]{64}$/.test(name)) {
    return `invalid repository name (${name}), cannot specify 64-byte hexadecimal strings`;
  }
  return "invalid reference format";
}
