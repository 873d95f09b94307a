import type { Call } from "../contract/call.ts";
import type { TransportSource } from "../contract/transport.ts";
import { parseReference } from "../oci/reference.ts";
import { expandAlias } from "./alias_name.ts";
import { openRepository, type RegistryEngine } from "./registry.ts";
import { readPlace } from "./transfer_place.ts";

/**
 * What `tags ls` is told.
 *
 * @example The first hundred
 * ```ts
 * import type { ListTagsInput } from "@strata/strata";
 *
 * const input: ListTagsInput = { repository: "quay.io/team/app", limit: 100 };
 * console.log(input);
 * ```
 */
export interface ListTagsInput {
  /** Repository, e.g. `quay.io/team/app`, or a short name of the config; or an address of a transport, e.g. `oci:folder`. */
  readonly repository: string;
  /** Most tags that are given; all when left out. */
  readonly limit?: number;
}

/**
 * The tags of a repository in its registry, or the names at another address, in bytewise order, page by page as they are asked for. Rejects `NOT_FOUND` for an unknown
 * repository, and as the transport does.
 *
 * @example The first tags of a repository
 * ```ts
 * import { createCall, type Engine, listTags } from "@strata/strata";
 *
 * // Prints ten tags at the most.
 * async function printTags(engine: Engine): Promise<void> {
 *   const input = { repository: "registry.example.com/team/app", limit: 10 };
 *   for await (const tag of listTags(engine, input, createCall())) console.log(tag);
 * }
 * ```
 */
export async function* listTags(engine: RegistryEngine, input: ListTagsInput, call: Call): AsyncGenerator<string> {
  await using source = await openPlace(engine, input.repository, call);
  let left = input.limit ?? Infinity;
  if (left <= 0) return;
  for await (const tag of source.list("", call)) {
    yield tag;
    if (--left <= 0) return;
  }
}

async function openPlace(engine: RegistryEngine, text: string, call: Call): Promise<TransportSource> {
  const place = await readPlace(engine, text);
  if (place.type === "transport") return await place.hook.source(place.address, call);
  if (place.type === "registry") return await openRepository(engine, place, call);
  return await openRepository(engine, parseReference(expandAlias(engine.config.aliases, text)), call);
}
