import { untagImages } from "../../image/untag.ts";
import type { Command, Context, Input } from "../command.ts";
import { reportErrors } from "../report.ts";

/** `strata image untag`. */
export const command: Command = {
  usage: "NAME [NAME…]",
  description: "Takes names away and keeps the images. An ID or a two-word name stands for every name of its image.",
  flags: [],
  words: { min: 1, max: Infinity },
  complete: "image",
  async run(input: Input, context: Context): Promise<number> {
    const result = await untagImages(await context.openEngine(), { images: input.words }, context.call);
    context.terminal.out(result.untagged.map((name) => `Untagged: ${name}\n`).join(""));
    return reportErrors(result.errors, context.terminal);
  },
};
