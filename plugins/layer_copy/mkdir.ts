import type { MkdirArgs } from "./args.ts";
import { type CopyEnvironment, madeDirectory } from "./node.ts";
import { type Owner, resolveOwner } from "./owner.ts";
import { cleanPath } from "./paths.ts";
import { Target } from "./target.ts";

/**
 * A target with the folders that are missing at a path, from the root on: mode 0755, with the owner given, looked up
 * only when something is missing; nothing when the folder is there. Links are followed inside the root. Throws
 * `CONFLICT` when a file is in the way, and what finding the owner throws.
 */
export async function planFolders(args: MkdirArgs, environment: CopyEnvironment): Promise<Target> {
  const { kit, context } = environment;
  const base = context.inputs[0];
  if (base === undefined) throw kit.error("INVALID_ARGUMENT", `Cannot create "${args.path}": the step has no input`);
  const target = new Target(base, environment);
  const path = await target.resolve(cleanPath(args.path));
  let owner: Owner | undefined;
  await target.makeFolders(path, async (folder) => {
    owner ??= await resolveOwner(args.owner ?? "0", { tree: base, kit }, context);
    return madeDirectory(folder, { owner, mode: undefined }, context);
  });
  return target;
}
