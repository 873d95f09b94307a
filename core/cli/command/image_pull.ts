import { EngineError, isEngineError } from "../../errors.ts";
import { parseReference } from "../../oci/reference.ts";
import { pullImage, type PullInput, type PullResult } from "../../image/pull.ts";
import type { Command, Context, Input } from "../command.ts";
import { readPlatforms } from "../platform_flag.ts";
import { progressFlag, readProgress } from "../progress_flag.ts";
import { readRegistryFlags, registryFlags } from "../registry_flags.ts";
import { reportErrors } from "../report.ts";
import type { Terminal } from "../terminal.ts";
import { createTransferView } from "../transfer_view.ts";

/** `strata image pull`. */
export const command: Command = {
  usage: "[OPTIONS] NAME[:TAG|@DIGEST] [NAME…]",
  description:
    "Fetches images from their registries. Of an image for several platforms the one for this machine is fetched. What was cut off goes on where it was.",
  flags: [
    { name: "all-tags", short: "a", type: "boolean", help: "Fetch every tag of the repository" },
    { name: "quiet", short: "q", type: "boolean", help: "Show only the names" },
    { name: "platform", type: "list", value: "OS/ARCH", help: "Platforms to fetch of an image that has several" },
    { name: "all-platforms", type: "boolean", help: "Fetch every platform" },
    ...registryFlags,
    progressFlag,
  ],
  words: { min: 1, max: Infinity },
  examples: [
    ["strata pull alpine", "docker.io/library/alpine:latest for this machine"],
    ["strata pull -a registry.example.com/team/app", "every tag"],
    ["strata pull --all-platforms alpine:3.20 busybox", "two images, whole"],
  ],
  async run(input: Input, context: Context): Promise<number> {
    const errors: EngineError[] = [];
    await context.openEngine(
      readRegistryFlags(input, (expand) => input.words.map((word) => parseReference(expand(word)).host)),
    );
    for (const reference of input.words) {
      try {
        await pull(reference, input, context);
      } catch (error) {
        if (!isEngineError(error) || error.code === "CANCELED" || input.words.length === 1) throw error;
        errors.push(error);
      }
    }
    return reportErrors(errors, context.terminal);
  },
};

async function pull(reference: string, input: Input, context: Context): Promise<void> {
  const { terminal } = context;
  const pulling = readPull(reference, input);
  const engine = await context.openEngine();
  const isQuiet = input.isOn("quiet");
  if (!isQuiet && pulling.allTags !== true && !hasTag(reference)) terminal.out("Using default tag: latest\n");
  const kind = isQuiet ? "quiet" : readProgress(input, engine.config.progress);
  const words = { moving: "Pulling fs layer", done: "Pull complete", cached: "Already exists" };
  const view = await createTransferView(kind, terminal, words);
  let result: PullResult;
  try {
    result = await pullImage(engine, pulling, { signal: context.call.signal, emit: (event) => view.emit(event) });
  } catch (error) {
    view.end(error);
    throw error;
  }
  view.end();
  terminal.out(isQuiet ? result.images.map(({ name }) => name + "\n").join("") : summary(result, pulling));
  if (!isQuiet) showQuota(result, terminal);
}

function readPull(reference: string, input: Input): PullInput {
  const platforms = readPlatforms(input);
  const allTags = input.isOn("all-tags");
  if (allTags && hasTag(reference)) {
    throw new EngineError("INVALID_ARGUMENT", `Cannot pull all tags of "${reference}": it has a tag or digest`, {
      detail: { field: "reference", value: reference },
      hint: "Leave out the tag, or --all-tags",
    });
  }
  return {
    reference,
    allTags,
    allPlatforms: input.isOn("all-platforms"),
    ...(platforms.length === 0 ? {} : { platforms }),
  };
}

/** Whether a reference has a tag or a digest of its own. */
function hasTag(text: string): boolean {
  const { digest, tag } = parseReference(text);
  return digest !== undefined || (tag !== undefined && text.endsWith(`:${tag}`));
}

function summary({ images, repository, familiarRepository }: PullResult, { allTags }: PullInput): string {
  const digests = images.map(({ digest }) => `Digest: ${digest}\n`);
  const isNew = images.some((image) => image.isNew);
  const [first] = images;
  const isOne = allTags !== true && first !== undefined;
  const name = isOne ? first.familiar : familiarRepository;
  const status = isNew ? `Downloaded newer image for ${name}` : `Image is up to date for ${name}`;
  return `${digests.join("")}Status: ${status}\n${isOne ? first.name : repository}\n`;
}

function showQuota({ quota }: PullResult, terminal: Terminal): void {
  if (quota === undefined || quota.remaining * 4 > quota.limit) return;
  const time = quota.windowSeconds === undefined ? "" : ` in ${Math.round(quota.windowSeconds / 60)} minutes`;
  terminal.err(`The registry allows ${quota.limit} pulls${time}; ${quota.remaining} are left\n`);
}
