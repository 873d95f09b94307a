import type { Call } from "../contract/call.ts";
import { cacheKey, type CacheKeyParts } from "./cache_key.ts";
import type { StepSource } from "./step_source.ts";

/** Kinds of operations whose content key follows from the operation and its inputs alone; that of a download does not. */
const kinds: readonly string[] = ["copy", "run"];

/**
 * The key of a step that can be told without reading its inputs: equal ones have equal layers. A step that takes little from another stage
 * is found by it although that stage's layers are elsewhere. Undefined when the key itself reads no layers.
 */
export async function shortcutKey(
  parts: Omit<CacheKeyParts, "parent" | "content" | "inputs">,
  inputs: readonly StepSource[],
  call: Call,
): Promise<string | undefined> {
  const [below, ...others] = inputs;
  if (!kinds.includes(parts.op.kind) || others.length === 0 || !others.every((input) => input.isLayered)) {
    return undefined;
  }
  return await cacheKey({
    ...parts,
    parent: await below?.identify(call),
    content: undefined,
    inputs: await Promise.all(others.map((input) => input.identify(call))),
  });
}
