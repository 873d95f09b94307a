import { editImage, type EditInput, type EditResult } from "../../image/edit.ts";
import { formatPlatform } from "../../oci/platform.ts";
import { hostsOf } from "../../image/transfer_place.ts";
import { printable } from "../color.ts";
import type { Command, Context, Input } from "../command.ts";
import { editFlags, readEditFlags } from "../edit_flags.ts";
import { readPlatforms } from "../platform_flag.ts";
import { progressFlag, readProgress } from "../progress_flag.ts";
import { readRegistryFlags, registryFlags } from "../registry_flags.ts";
import { createTransferView } from "../transfer_view.ts";
import { compressionFlags, readCompression } from "./image_push.ts";

/** `strata image edit`. */
export const command: Command = {
  usage: "[OPTIONS] SOURCE TARGET",
  description:
    "Changes the config of an image without a build, or puts it on another base, and writes the result to the target. Both are addresses as of strata copy. Layers are not pulled: only manifests and configs are read, and registries take over the layers that they have.",
  flags: [
    ...editFlags,
    { name: "platform", type: "list", value: "OS/ARCH", help: "Edit only these platforms of an index; all without" },
    { name: "dry-run", type: "boolean", help: "Show how the configs would differ, and write nothing" },
    { name: "quiet", short: "q", type: "boolean", help: "Show only the digest" },
    ...compressionFlags,
    ...registryFlags,
    progressFlag,
  ],
  words: { min: 2, max: 2 },
  complete: "image",
  examples: [
    ["strata edit --env A=b --unset-label draft app:1 app:2", "an image of the store"],
    ["strata edit --cmd '[\"serve\"]' registry:localhost:5000/app:1 registry:localhost:5000/app:2", "on a registry"],
    ["strata edit --rebase registry:alpine:3.20=registry:alpine:3.21 app:1 app:2", "on another base"],
    ["strata edit --dry-run --user nobody app:1 app:1", "what would change"],
  ],
  async run(input: Input, context: Context): Promise<number> {
    const { terminal } = context;
    const edit = readEdit(input);
    const { source, target, rebase } = edit;
    const addresses = [source, target, ...(rebase === undefined ? [] : [rebase.oldBase, rebase.newBase])];
    const engine = await context.openEngine(readRegistryFlags(input, (expand) => hostsOf(addresses, expand)));
    const isQuiet = input.isOn("quiet");
    const kind = isQuiet ? "quiet" : readProgress(input, engine.config.progress);
    const words = { moving: "Copying", done: "Copied", cached: "Already exists" };
    const view = await createTransferView(kind, terminal, words);
    try {
      const result = await editImage(engine, edit, { signal: context.call.signal, emit: view.emit });
      view.end();
      if (edit.dryRun === true && !isQuiet) terminal.out(showDifferences(result));
      else {
        const { name, descriptor: { digest } } = result;
        terminal.out(isQuiet || name === undefined ? `${digest}\n` : `${name}: digest: ${digest}\n`);
      }
      return 0;
    } catch (error) {
      view.end(error);
      throw error;
    }
  },
};

function readEdit(input: Input): EditInput {
  const [source = "", target = ""] = input.words;
  return {
    source,
    target,
    ...readEditFlags(input),
    platforms: readPlatforms(input),
    dryRun: input.isOn("dry-run"),
    ...readCompression(input),
  };
}

function showDifferences({ images }: EditResult): string {
  const lines = images.flatMap(({ platform, before, after, differences }) => [
    `${formatPlatform(platform)}: ${before} -> ${after}`,
    ...differences.flatMap(({ path, before: was, after: is }) => [
      ...(was === undefined ? [] : [`- ${path}: ${was}`]),
      ...(is === undefined ? [] : [`+ ${path}: ${is}`]),
    ]),
  ]);
  return lines.map((line) => `${printable(line)}\n`).join("");
}
