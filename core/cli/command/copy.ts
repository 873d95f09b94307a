import { copyImages, type CopyInput } from "../../image/copy.ts";
import { hostsOf } from "../../image/transfer_place.ts";
import type { Command, Context, Input } from "../command.ts";
import { readPlatforms } from "../platform_flag.ts";
import { progressFlag, readProgress } from "../progress_flag.ts";
import { readRegistryFlags, registryFlags } from "../registry_flags.ts";
import { createTransferView } from "../transfer_view.ts";
import { compressionFlags, readCompression } from "./image_push.ts";

/** `strata copy`. */
export const command: Command = {
  usage: "[OPTIONS] SOURCE TARGET",
  description:
    "Copies images from one place straight to another: registry:NAME, docker-archive:PATH, oci-archive:PATH, oci:PATH, dir:PATH or docker-daemon:NAME. A name alone, or store:NAME, is an image of the store.",
  flags: [
    { name: "all", short: "a", type: "boolean", help: "Copy every tag of the repository" },
    { name: "platform", type: "list", value: "OS/ARCH", help: "Keep only these platforms; all without" },
    { name: "referrers", type: "boolean", help: "Copy signatures, SBOMs and attestations too" },
    { name: "quiet", short: "q", type: "boolean", help: "Show only the digests" },
    ...compressionFlags,
    ...registryFlags,
    progressFlag,
  ],
  words: { min: 2, max: 2 },
  complete: "image",
  examples: [
    ["strata copy registry:alpine:3.20 registry:registry.example.com/mirror/alpine", "from registry to registry"],
    ["strata copy registry:alpine oci-archive:alpine.tar", "into an archive, every platform"],
    ["strata copy app:1 registry:registry.example.com/team/app:1", "as strata push sends it"],
    ["strata copy app:1 docker-daemon:app:1", "to the Docker daemon; DOCKER_HOST says where it is"],
    ["strata copy oci:layout store:", "into the store, under the names it has there"],
  ],
  async run(input: Input, context: Context): Promise<number> {
    const { terminal } = context;
    const engine = await context.openEngine(readRegistryFlags(input, (expand) => hostsOf(input.words, expand)));
    const isQuiet = input.isOn("quiet");
    const kind = isQuiet ? "quiet" : readProgress(input, engine.config.progress);
    const view = await createTransferView(kind, terminal, {
      moving: "Copying",
      done: "Copied",
      cached: "Already exists",
    });
    try {
      const call = { signal: context.call.signal, emit: view.emit };
      const { images, referrers } = await copyImages(engine, readCopy(input), call);
      view.end();
      for (const { name, descriptor } of images) {
        terminal.out(
          isQuiet || name === undefined ? `${descriptor.digest}\n` : `${name}: digest: ${descriptor.digest}\n`,
        );
      }
      if (referrers > 0 && !isQuiet) {
        terminal.out(`${referrers} ${referrers === 1 ? "referrer" : "referrers"} copied\n`);
      }
      return 0;
    } catch (error) {
      view.end(error);
      throw error;
    }
  },
};

function readCopy(input: Input): CopyInput {
  const [source = "", target = ""] = input.words;
  const platforms = readPlatforms(input);
  return {
    source,
    target,
    all: input.isOn("all"),
    referrers: input.isOn("referrers"),
    ...readCompression(input),
    ...(platforms.length === 0 ? {} : { platforms }),
  };
}
