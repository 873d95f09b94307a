import { inspectManifest } from "../../image/inspect_manifest.ts";
import { hostsOf } from "../../image/transfer_place.ts";
import type { Command, Context, Input } from "../command.ts";
import { platformFlag, readPlatform } from "../platform_flag.ts";
import { readRegistryFlags, registryFlags } from "../registry_flags.ts";

/** `strata manifest inspect`. */
export const command: Command = {
  usage: "[OPTIONS] IMAGE",
  description:
    "Shows the manifest or the index of an image in a registry, an archive (oci-archive:PATH …) or the store, without fetching anything else.",
  flags: [
    { name: "raw", type: "boolean", help: "Show the bytes as they are, which the digest is of" },
    { name: "config", type: "boolean", help: "Show the config of the image" },
    { name: "digest", type: "boolean", help: "Show only the digest" },
    { name: "local", type: "boolean", help: "Look in the store" },
    platformFlag,
    ...registryFlags,
  ],
  words: { min: 1, max: 1 },
  complete: "image",
  examples: [
    ["strata manifest inspect alpine:3.20", "the index, with its platforms"],
    ["strata manifest inspect --raw alpine:3.20 | sha256sum", "its digest"],
    ["strata manifest inspect --config --platform linux/arm64 alpine", "the config for one platform"],
  ],
  async run(input: Input, context: Context): Promise<number> {
    const [image = ""] = input.words;
    const engine = await context.openEngine(
      readRegistryFlags(input, (expand) => hostsOf([image, `registry:${image}`], expand)),
    );
    const { descriptor, bytes } = await inspectManifest(engine, {
      image,
      local: input.isOn("local"),
      config: input.isOn("config"),
      ...readPlatform(input),
    }, context.call);
    if (input.isOn("digest")) context.terminal.out(`${descriptor.digest}\n`);
    else if (input.isOn("raw")) {
      await new Blob([bytes]).stream().pipeTo(context.terminal.stdout, { preventClose: true });
    } else context.terminal.out(JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)), null, 2) + "\n");
    return 0;
  },
};
