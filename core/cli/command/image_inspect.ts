import { inspectImages } from "../../image/inspect.ts";
import type { Command, Context, Input } from "../command.ts";
import { platformFlag, readPlatform } from "../platform_flag.ts";
import { readRegistryFlagsOf, registryFlags } from "../registry_flags.ts";
import { reportErrors } from "../report.ts";

/** `strata image inspect`. */
export const command: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE…]",
  description:
    "Shows images as JSON. Unknown ones are reported and the rest is still shown. What is no image of the store may be an address as of strata copy, such as registry:NAME or docker-archive:PATH, of which only manifests and configs are read.",
  flags: [
    {
      name: "format",
      short: "f",
      type: "string",
      value: "FORMAT",
      help: "json, or a Go template for each image",
      choices: ["json"],
    },
    platformFlag,
    ...registryFlags,
  ],
  words: { min: 1, max: Infinity },
  complete: "image",
  examples: [
    ["strata inspect -f '{{json .Config.Env}}' app", "one member as JSON"],
    ["strata inspect -f '{{.Alias}}' app", "the two-word name of an image"],
    ["strata inspect registry:alpine docker-archive:app.tar", "images that are not in the store"],
  ],
  async run(input: Input, context: Context): Promise<number> {
    const engine = await context.openEngine(await readRegistryFlagsOf(input));
    const result = await inspectImages(engine, { images: input.words, ...readPlatform(input) }, context.call);
    const format = input.text("format")?.trim() ?? "";
    if (format === "") context.terminal.out(JSON.stringify(result.images, null, 4) + "\n");
    else if (format === "json") context.terminal.out(JSON.stringify(result.images) + "\n");
    else {
      const [{ compileTemplate }, { inspectView }] = await Promise.all([
        import("../template/execute.ts"),
        import("../inspect_view.ts"),
      ]);
      const template = compileTemplate(format);
      context.terminal.out(result.images.map((image) => template.execute(inspectView(image)) + "\n").join(""));
    }
    return reportErrors(result.errors, context.terminal);
  },
};
