import { EngineError } from "../../errors.ts";
import { type SaveFormat, saveImages } from "../../image/save.ts";
import type { Command, Context, Input } from "../command.ts";
import { readPlatforms } from "../platform_flag.ts";

const formats: readonly SaveFormat[] = ["docker-archive", "oci-archive", "oci", "dir"];

/** `strata image save`. */
export const command: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE…]",
  description:
    "Writes images to an archive that docker, podman and skopeo load, or to a folder. Without --output it goes to standard output.",
  flags: [
    { name: "output", short: "o", type: "string", value: "PATH", help: "File or folder to write" },
    {
      name: "format",
      type: "string",
      value: "FORMAT",
      help: "docker-archive (default), oci-archive, oci or dir",
      choices: formats,
    },
    { name: "platform", type: "list", value: "OS/ARCH", help: "Keep only these platforms" },
  ],
  words: { min: 1, max: Infinity },
  complete: "image",
  async run(input: Input, context: Context): Promise<number> {
    const format = input.text("format") ?? "docker-archive";
    if (!isFormat(format)) {
      throw new EngineError("INVALID_ARGUMENT", `Cannot save as "${format}": expected ${formats.join(", ")}`, {
        detail: { field: "format", value: format },
      });
    }
    const output = input.text("output") ?? "-";
    if (output === "-" && context.terminal.isStdoutTerminal) {
      throw new EngineError("INVALID_ARGUMENT", "Cannot save to a terminal", {
        detail: { field: "output", value: output },
        hint: "Add --output FILE or send standard output elsewhere",
      });
    }
    const platforms = readPlatforms(input);
    const chosen = platforms.length === 0 ? {} : { platforms };
    await saveImages(await context.openEngine(), { images: input.words, format, output, ...chosen }, context.call);
    return 0;
  },
};

function isFormat(text: string): text is SaveFormat {
  return formats.some((format) => format === text);
}
