import type { NodeId } from "../../core/contract/mod.ts";
import { checkPlatform } from "./check_platform.ts";
import { quote } from "./fault.ts";
import { fail, type Lowering } from "./lowering.ts";
import { findSource } from "./references.ts";
import type { Session } from "./session.ts";

/**
 * The filesystem that `--from=` or a mount's `from=` names; the build context when it names none. Throws `PARSE_FAILED`, and
 * `NOT_FOUND` for an image that is nowhere.
 */
export async function openSource(name: string, lowering: Lowering): Promise<NodeId> {
  const { session, stage, facts, instruction } = lowering;
  if (name === "") return await openMainContext(session);
  const found = findSource(name, { ...session, index: stage.index });
  switch (found.type) {
    case "context":
      return session.graph.add({ type: "context", name: found.name, exclude: [] });
    case "scratch":
      return session.graph.add({ type: "scratch" });
    case "stage": {
      facts.stages.add(found.stage.index);
      const { state } = await session.lower(found.stage);
      return state.node;
    }
    case "later": {
      const message = `Cannot use stage ${quote(name)} here: it stands below, not above`;
      throw fail(message, lowering, "Move that stage above this one");
    }
    case "absent": {
      const message = `Cannot find stage number ${quote(name)}: the last one is ${session.stages.length - 1}`;
      throw fail(message, lowering, "Name a stage above this one");
    }
    case "image": {
      const wanted = {
        platform: session.context.platform,
        at: instruction.at,
        instruction: instruction.keyword.toUpperCase(),
      };
      const image = await session.base(found.reference, wanted);
      if (image === undefined) return session.graph.add({ type: "scratch" });
      checkPlatform(image, { reference: found.reference, ...wanted }, lowering.checks);
      return session.graph.add({ type: "image", reference: found.reference, descriptor: image.descriptor });
    }
  }
}

/** The build context, without what its ignore file leaves out. */
export async function openMainContext(session: Session): Promise<NodeId> {
  return session.graph.add({ type: "context", name: "", exclude: await session.ignorePatterns() });
}
