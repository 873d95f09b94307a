import { EngineError } from "../../errors.ts";
import { parseReference } from "../../oci/reference.ts";
import { compressionNames } from "../../image/compression_choice.ts";
import { pushImage, type PushInput, type PushResult } from "../../image/push.ts";
import type { Command, Context, Flag, Input } from "../command.ts";
import { readPlatforms } from "../platform_flag.ts";
import { progressFlag, readProgress } from "../progress_flag.ts";
import { readRegistryFlags, registryFlags } from "../registry_flags.ts";
import { createTransferView } from "../transfer_view.ts";

/** Flags that say how layers are compressed. */
export const compressionFlags: readonly Flag[] = [
  {
    name: "compression",
    type: "string",
    value: "KIND",
    help: "How plain layers are compressed: gzip (default), zstd or none",
    choices: compressionNames,
  },
  { name: "compression-level", type: "string", value: "N", help: "1 to 9 for gzip (default 4), 1 to 22 for zstd (3)" },
];

/** `strata image push`. */
export const command: Command = {
  usage: "[OPTIONS] NAME[:TAG]",
  description:
    "Sends an image to its registry. Layers that are not compressed yet are compressed once, with all cores; the same image gives the same digest every time.",
  flags: [
    { name: "all-tags", short: "a", type: "boolean", help: "Send every tag of the repository" },
    { name: "quiet", short: "q", type: "boolean", help: "Show only the names" },
    { name: "platform", type: "list", value: "OS/ARCH", help: "Platforms to send of an image that has several" },
    ...compressionFlags,
    ...registryFlags,
    progressFlag,
  ],
  words: { min: 1, max: 1 },
  complete: "image",
  examples: [
    ["strata push registry.example.com/team/app:1", "one tag"],
    ["strata push --compression zstd registry.example.com/team/app:1", "layers that unpack three times as fast"],
  ],
  async run(input: Input, context: Context): Promise<number> {
    const { terminal } = context;
    const pushing = readPush(input);
    const { host, repository, tag } = parseReference(pushing.reference);
    const engine = await context.openEngine(
      readRegistryFlags(input, (expand) => [parseReference(expand(pushing.reference)).host]),
    );
    const isQuiet = input.isOn("quiet");
    const isDefault = pushing.allTags !== true && tag === "latest" && !pushing.reference.endsWith(":latest");
    if (!isQuiet && isDefault) terminal.out("Using default tag: latest\n");
    if (!isQuiet) terminal.out(`The push refers to repository [${host}/${repository}]\n`);
    const kind = isQuiet ? "quiet" : readProgress(input, engine.config.progress);
    const words = { moving: "Pushing", done: "Pushed", cached: "Layer already exists" };
    const view = await createTransferView(kind, terminal, words);
    let result: PushResult;
    try {
      result = await pushImage(engine, pushing, { signal: context.call.signal, emit: (event) => view.emit(event) });
    } catch (error) {
      view.end(error);
      throw error;
    }
    view.end();
    terminal.out(isQuiet ? result.images.map(({ name }) => name + "\n").join("") : summary(result));
    return 0;
  },
};

function readPush(input: Input): PushInput {
  const [reference = ""] = input.words;
  const platforms = readPlatforms(input);
  const allTags = input.isOn("all-tags");
  const { tag } = parseReference(reference);
  if (allTags && tag !== undefined && reference.endsWith(`:${tag}`)) {
    throw new EngineError("INVALID_ARGUMENT", `Cannot push all tags of "${reference}": it has a tag`, {
      detail: { field: "reference", value: reference },
      hint: "Leave out the tag, or --all-tags",
    });
  }
  return { reference, allTags, ...readCompression(input), ...(platforms.length === 0 ? {} : { platforms }) };
}

/** What the flags of compression say. Throws `INVALID_ARGUMENT`. */
export function readCompression(input: Input): Pick<PushInput, "compression" | "compressionLevel"> {
  const text = input.text("compression");
  const level = input.text("compression-level");
  const compression = compressionNames.find((name) => name === text);
  if (text !== undefined && compression === undefined) {
    const expected = compressionNames.join(", ");
    throw new EngineError("INVALID_ARGUMENT", `Cannot use --compression "${text}": expected ${expected}`, {
      detail: { field: "compression", value: text },
    });
  }
  return {
    ...(compression === undefined ? {} : { compression }),
    ...(level === undefined ? {} : { compressionLevel: Number(level) }),
  };
}

function summary({ images }: PushResult): string {
  return images.map(({ tag, descriptor, onlyPlatform }) => {
    const line = `${tag}: digest: ${descriptor.digest} size: ${descriptor.size}\n`;
    return onlyPlatform === undefined
      ? line
      : `${line}Only ${onlyPlatform} was pushed, the one platform in the store\n`;
  }).join("");
}
