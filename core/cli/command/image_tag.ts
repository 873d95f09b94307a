import { tagImage } from "../../image/tag.ts";
import type { Command, Context, Input } from "../command.ts";

/** `strata image tag`. */
export const command: Command = {
  usage: "IMAGE NAME[:TAG]",
  description: "Gives an image another name. A name that another image has moves.",
  flags: [],
  words: { min: 2, max: 2 },
  complete: "image",
  async run(input: Input, context: Context): Promise<number> {
    const [source = "", target = ""] = input.words;
    await tagImage(await context.openEngine(), { source, target }, context.call);
    return 0;
  },
};
