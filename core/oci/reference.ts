import { EngineError } from "../errors.ts";
import type { Digest } from "./descriptor.ts";
import { isDigest } from "./digest.ts";

/**
 * A parsed image reference (distribution-spec naming rules).
 *
 * @example An image of a registry
 * ```ts
 * import type { Reference } from "@strata/strata";
 *
 * const reference: Reference = { host: "docker.io", repository: "library/alpine", tag: "3.20" };
 * console.log(`${reference.host}/${reference.repository}:${reference.tag}`);
 * ```
 */
export interface Reference {
  /** Registry host and port, e.g. `docker.io`. */
  readonly host: string;
  /** Repository, e.g. `library/alpine`. */
  readonly repository: string;
  /** Tag; absent when only a digest was given. */
  readonly tag?: string;
  /** Digest, when pinned. It wins over the tag. */
  readonly digest?: Digest;
}

const hostPattern =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const componentPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const maxRepositoryLength = 255;

/**
 * Parses and completes a reference as docker does: `docker.io` when no host is given, `library/` before a single-part
 * repository of that host, `latest` when neither tag nor digest is given (distribution/reference, "normalize"). Throws
 * `INVALID_ARGUMENT`.
 */
export function parseReference(text: string): Reference {
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) throw refused(text, "its digest is not sha256: and 64 hex digits");
  const { host, rest } = splitHost(text, at < 0 ? text : text.slice(0, at));
  const colon = rest.indexOf(":");
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  let repository = colon < 0 ? rest : rest.slice(0, colon);
  checkRepository(text, repository);
  if (tag !== undefined && !tagPattern.test(tag)) {
    throw refused(text, "its tag is not 1 to 128 letters, digits, dots, dashes and underscores");
  }
  if (host === "docker.io" && !repository.includes("/")) {
    if (/^[a-f0-9]{64}$/.test(repository)) throw refused(text, "64 hex digits are an image ID, not a name");
    repository = `library/${repository}`;
  }
  if (digest !== undefined) return tag === undefined ? { host, repository, digest } : { host, repository, tag, digest };
  return { host, repository, tag: tag ?? "latest" };
}

/** The whole reference, e.g. `docker.io/library/alpine:3.20` or with `@sha256:…` behind it. */
export function formatReference(reference: Reference): string {
  return `${reference.host}/${reference.repository}${suffix(reference)}`;
}

/** The reference as docker shows it: without `docker.io/` and `library/`. */
export function familiarReference(reference: Reference): string {
  return familiarRepository(reference) + suffix(reference);
}

/** Host and repository as docker shows them: without `docker.io/` and `library/`. */
export function familiarRepository(reference: Reference): string {
  if (reference.host !== "docker.io") return `${reference.host}/${reference.repository}`;
  const short = reference.repository.replace(/^library\//, "");
  return short.includes("/") ? reference.repository : short;
}

function suffix(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  return reference.digest === undefined ? tag : `${tag}@${reference.digest}`;
}

function splitHost(text: string, name: string): { host: string; rest: string } {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const isHost = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  if (slash < 0 || !isHost) return { host: "docker.io", rest: name };
  if (!hostPattern.test(first)) throw refused(text, `"${first.slice(0, 100)}" is not a registry host`);
  return { host: first === "index.docker.io" ? "docker.io" : first, rest: name.slice(slash + 1) };
}

function checkRepository(text: string, repository: string): void {
  if (repository === "") throw refused(text, "it has no repository name");
  if (repository.length > maxRepositoryLength) throw refused(text, "its name is longer than 255 characters");
  if (repository !== repository.toLowerCase()) throw refused(text, "a repository name is lower-case");
  if (!repository.split("/").every((part) => componentPattern.test(part))) {
    throw refused(text, "a repository name is letters, digits and single separators (. _ -) between slashes");
  }
}

function refused(text: string, why: string): EngineError {
  const value = text.slice(0, 300);
  return new EngineError("INVALID_ARGUMENT", `Cannot read image reference "${value}": ${why}`, {
    detail: { field: "reference", value },
    hint: "Write it as [HOST/]NAME[:TAG][@DIGEST], for example registry.example.com/team/app:1.0",
  });
}
