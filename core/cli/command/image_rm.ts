import { removeImages } from "../../image/remove.ts";
import type { Command, Context, Input } from "../command.ts";
import { readRegistryFlags, registryFlags } from "../registry_flags.ts";
import { actionLines, reportErrors } from "../report.ts";

/** `strata image rm`. */
export const command: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE…]",
  description:
    "Removes names, and images with their layers once no name is left. An image is called by name, ID, start of its ID, digest or two-word name.",
  flags: [
    {
      name: "force",
      short: "f",
      type: "boolean",
      help: "Remove an image that several names point at; do not fail on unknown ones",
    },
    { name: "remote", type: "boolean", help: "Remove from the registry; a digest takes all its tags along" },
    ...registryFlags,
    { name: "no-prune", type: "boolean", help: "Keep layers and their cache records" },
  ],
  needsOwners: true,
  words: { min: 1, max: Infinity },
  complete: "image",
  async run(input: Input, context: Context): Promise<number> {
    if (input.isOn("remote")) return await removeRemotely(input, context);
    const engine = await context.openEngine();
    const force = input.isOn("force");
    const result = await removeImages(
      engine,
      { images: input.words, force, noPrune: input.isOn("no-prune") },
      context.call,
    );
    context.terminal.out(actionLines(result.actions, { untagged: "Untagged", deleted: "Deleted" }));
    const code = reportErrors(result.errors, context.terminal);
    // As docker: with --force an image that is not there is told, but is no failure.
    return force && result.errors.every((error) => error.code === "NOT_FOUND") ? 0 : code;
  },
};

async function removeRemotely(input: Input, context: Context): Promise<number> {
  const { removeRemote } = await import("../../image/remove_remote.ts");
  const { hostsOf } = await import("../../image/transfer_place.ts");
  const addresses = input.words.map((word) => `registry:${word}`);
  const engine = await context.openEngine(readRegistryFlags(input, (expand) => hostsOf(addresses, expand)));
  const { actions, errors } = await removeRemote(engine, { images: input.words }, context.call);
  context.terminal.out(actionLines(actions, { untagged: "Untagged", deleted: "Deleted" }));
  return reportErrors(errors, context.terminal);
}
