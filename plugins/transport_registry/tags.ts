import type { Call, Kit } from "../../core/contract/mod.ts";
import { isTag } from "./address.ts";
import { type RegistryClient, type RegistryRequest, repositoryScope } from "./client.ts";
import { readPages } from "./pages.ts";

/** Tags asked for at once; registries give what they like. */
const pageSize = 1000;

/**
 * All tags of a repository in bytewise order, each once; undefined when the registry knows no such repository. Rejects as the
 * client does.
 */
export async function listTags(
  place: { readonly client: RegistryClient; readonly kit: Kit },
  call: Call,
): Promise<readonly string[] | undefined> {
  const { host, repository } = place.client.endpoint;
  const request = {
    method: "GET",
    at: `tags/list?n=${pageSize}`,
    headers: { accept: "application/json" },
    scopes: [repositoryScope(repository, "pull")],
    doing: `list tags of "${host}/${repository}"`,
  };
  try {
    return await collectTags(request, place, call);
  } catch (error) {
    // Some registries refuse a page of this size, and have one of their own.
    const { detail } = { detail: {}, ...(error instanceof Error ? error : {}) };
    if (Reflect.get(detail, "status") !== 400) throw error;
    return await collectTags({ ...request, at: "tags/list" }, place, call);
  }
}

async function collectTags(
  request: RegistryRequest,
  place: { readonly client: RegistryClient; readonly kit: Kit },
  call: Call,
): Promise<readonly string[] | undefined> {
  let tags: Set<string> | undefined;
  for await (const { value } of readPages(request, place, call)) {
    tags ??= new Set();
    const { tags: page } = { tags: undefined, ...(typeof value === "object" ? value : {}) };
    for (const tag of Array.isArray(page) ? page : []) if (typeof tag === "string" && isTag(tag)) tags.add(tag);
  }
  // Tags are ASCII, whose order by code units is the bytewise one.
  return tags === undefined ? undefined : [...tags].sort();
}
