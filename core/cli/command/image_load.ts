import { EngineError } from "../../errors.ts";
import { loadImages } from "../../image/load.ts";
import type { Command, Context, Input } from "../command.ts";
import { readPlatforms } from "../platform_flag.ts";

/** `strata image load`. */
export const command: Command = {
  usage: "[OPTIONS]",
  description:
    "Reads images from an archive of docker, podman, skopeo or strata, plain or compressed, or from an OCI folder. Without --input it reads standard input.",
  flags: [
    { name: "input", short: "i", type: "string", value: "PATH", help: "File or folder to read" },
    { name: "quiet", short: "q", type: "boolean", help: "Say nothing but the names" },
    { name: "platform", type: "list", value: "OS/ARCH", help: "Keep only these platforms" },
  ],
  words: { min: 0, max: 0 },
  complete: "file",
  async run(input: Input, context: Context): Promise<number> {
    const { terminal } = context;
    const path = input.text("input") ?? "-";
    if (path === "-" && terminal.isStdinTerminal) {
      throw new EngineError("INVALID_ARGUMENT", "Cannot load from a terminal", {
        detail: { field: "input", value: path },
        hint: "Add --input FILE or send an archive to standard input",
      });
    }
    const platforms = readPlatforms(input);
    const source = path === "-" ? { stream: terminal.stdin } : { path };
    const result = await loadImages(
      await context.openEngine(),
      { source, ...(platforms.length === 0 ? {} : { platforms }) },
      context.call,
    );
    for (const image of result.images) {
      for (const { name, id } of input.isOn("quiet") ? [] : image.replaced) {
        terminal.out(`The image ${name} already exists, renaming the old one with ID ${id} to empty string\n`);
      }
      if (image.names.length === 0) terminal.out(`Loaded image ID: ${image.id}\n`);
      for (const name of image.names) terminal.out(`Loaded image: ${name}\n`);
    }
    return 0;
  },
};
