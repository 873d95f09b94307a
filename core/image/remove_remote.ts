import type { Call } from "../contract/call.ts";
import { EngineError, isEngineError } from "../errors.ts";
import { familiarReference } from "../oci/reference.ts";
import { readRemoteReference, type RegistryEngine, registryHook, repositoryAddress } from "./registry.ts";
import type { RemoveAction } from "./remove.ts";

/**
 * What `image rm --remote` is told.
 *
 * @example A tag
 * ```ts
 * import type { RemoveRemoteInput } from "@strata/strata";
 *
 * const input: RemoveRemoteInput = { images: ["registry.example.com/team/app:test"] };
 * console.log(input);
 * ```
 */
export interface RemoveRemoteInput {
  /** `NAME[:TAG|@DIGEST]` of images in registries; a digest takes every tag that points at it along. */
  readonly images: readonly string[];
}

/**
 * What `image rm --remote` did.
 *
 * @example What could not be removed
 * ```ts
 * import type { RemoveRemoteResult } from "@strata/strata";
 *
 * const failures = ({ errors }: RemoveRemoteResult): string[] => errors.map(({ message }) => message);
 * console.log(failures({ actions: [], errors: [] }));
 * ```
 */
export interface RemoveRemoteResult {
  /** Names and digests that are gone, in order. */
  readonly actions: readonly RemoveAction[];
  /** What went wrong with single references, in their order. */
  readonly errors: readonly EngineError[];
}

/**
 * Removes tags and manifests from registries. What can be removed is, whatever is wrong with the rest.
 *
 * @example Remove a tag from a registry
 * ```ts
 * import { createCall, type Engine, removeRemote } from "@strata/strata";
 *
 * // Removes what was published for a test.
 * async function cleanUp(engine: Engine): Promise<void> {
 *   const { errors } = await removeRemote(engine, { images: ["registry.example.com/team/app:test"] }, createCall());
 *   for (const { code, message } of errors) console.log(code, message);
 * }
 * ```
 */
export async function removeRemote(
  engine: RegistryEngine,
  input: RemoveRemoteInput,
  call: Call,
): Promise<RemoveRemoteResult> {
  const actions: RemoveAction[] = [];
  const errors: EngineError[] = [];
  for (const text of input.images) {
    try {
      actions.push(await removeOne(engine, text, call));
    } catch (error) {
      if (!isEngineError(error) || error.code === "CANCELED") throw error;
      errors.push(error);
    }
  }
  return { actions, errors };
}

async function removeOne(engine: RegistryEngine, text: string, call: Call): Promise<RemoveAction> {
  const reference = readRemoteReference(engine, text);
  const { digest, tag = "latest" } = reference;
  const name = familiarReference(reference);
  await using sink = await (await registryHook(engine)).sink(repositoryAddress(reference), call);
  if (!await sink.remove(digest === undefined ? tag : `@${digest}`, call)) {
    throw new EngineError("NOT_FOUND", `Cannot remove image "${name}": its registry does not have it`, {
      detail: { kind: "image", name },
    });
  }
  return digest === undefined ? { type: "untagged", name } : { type: "deleted", digest };
}
