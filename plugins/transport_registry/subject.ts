import type { Call, Descriptor, Kit } from "../../core/contract/mod.ts";
import { isDigest } from "./address.ts";
import type { RegistryClient } from "./client.ts";
import { fetchManifest } from "./manifest.ts";
import { essence, indexType } from "./media_type.ts";
import { readReferrers, referrersTag } from "./referrers.ts";

/** A manifest that is about another one. */
export interface Referrer {
  /** The manifest as a referrers list shows it, with its artifact type and annotations. */
  readonly descriptor: Descriptor;
  /** What it is about. */
  readonly subject: Descriptor["digest"];
}

/** Where a referrers list is kept under a tag. */
export interface ReferrerTagPlace {
  /** The server. */
  readonly client: RegistryClient;
  /** Scopes for writing. */
  readonly scopes: readonly string[];
  /** Makes errors and digests. */
  readonly kit: Kit;
}

/** What a manifest is about; undefined when it is about nothing, or no manifest. */
export function readReferrer(descriptor: Descriptor, bytes: Uint8Array): Referrer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (!isObject(value) || !isObject(value.subject) || !isDigest(value.subject.digest)) return undefined;
  const { mediaType, digest, size } = descriptor;
  const config = isObject(value.config) ? value.config.mediaType : undefined;
  const artifactType = [value.artifactType, config].find((type) => typeof type === "string" && type !== "");
  const [referrer] = readReferrers({
    manifests: [{ mediaType, digest, size, artifactType, annotations: value.annotations }],
  });
  return referrer === undefined ? undefined : { descriptor: referrer, subject: value.subject.digest };
}

/**
 * Puts a referrer in the list that a tag holds, or takes it out, for a registry that keeps no lists itself (distribution-spec,
 * "Pushing Manifests with Subject"). Rejects `CONFLICT` when the tag holds something else.
 */
export async function updateReferrersTag(
  { descriptor, subject }: Referrer,
  { verb, client, scopes, kit }: ReferrerTagPlace & { readonly verb: "add" | "remove" },
  call: Call,
): Promise<void> {
  const { host, repository } = client.endpoint;
  const tag = referrersTag(subject);
  const doing = `list a referrer of "${subject}" in "${host}/${repository}"`;
  const found = await fetchManifest(tag, { client, kit }, call);
  if (found !== undefined && essence(found.descriptor.mediaType) !== indexType) {
    throw kit.error("CONFLICT", `Cannot ${doing}: tag "${tag}" holds something else than an index`, {
      detail: { kind: "tag", name: tag },
    });
  }
  const before = found === undefined ? [] : readReferrers(JSON.parse(new TextDecoder().decode(found.bytes)));
  const isListed = before.some(({ digest }) => digest === descriptor.digest);
  if (isListed === (verb === "add")) return;
  const manifests = verb === "add"
    ? [...before, descriptor]
    : before.filter(({ digest }) => digest !== descriptor.digest);
  const list = JSON.parse(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests }));
  const body = new TextEncoder().encode(kit.canonicalJson(list));
  const request = {
    method: "PUT",
    at: `manifests/${tag}`,
    headers: { "content-type": indexType },
    body,
    scopes,
    doing,
  };
  await (await client.expect(request, [200, 201, 202, 204], call)).drain();
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
