import { EngineError } from "../../errors.ts";
import { listTags } from "../../image/list_tags.ts";
import { hostsOf } from "../../image/transfer_place.ts";
import { parseReference } from "../../oci/reference.ts";
import { printableLine } from "../color.ts";
import type { Command, Context, Input } from "../command.ts";
import { readRegistryFlags, registryFlags } from "../registry_flags.ts";

/** `strata tags ls`. */
export const command: Command = {
  usage: "[OPTIONS] REPOSITORY|ADDRESS",
  description:
    "Lists the tags that a repository has in its registry, or the names of the images at another address, such as an archive's.",
  flags: [
    { name: "limit", short: "n", type: "string", value: "N", help: "Show no more than N tags" },
    { name: "format", type: "string", value: "FORMAT", help: "text or json", choices: ["text", "json"] },
    ...registryFlags,
  ],
  words: { min: 1, max: 1 },
  complete: "none",
  examples: [
    ["strata tags ls registry.example.com/team/app", "one line for each"],
    ["strata tags ls oci-archive:app.tar", "what an archive holds"],
  ],
  async run(input: Input, context: Context): Promise<number> {
    const [repository = ""] = input.words;
    const format = input.text("format") ?? "text";
    if (format !== "text" && format !== "json") throw refused("format", format, "text or json");
    const limit = Number(input.text("limit") ?? 0);
    if (!Number.isSafeInteger(limit) || limit < 0) throw refused("limit", String(limit), "a whole number");
    const engine = await context.openEngine(
      readRegistryFlags(input, (expand) => hostOf(repository, expand)),
    );
    const tags = listTags(engine, { repository, ...(limit === 0 ? {} : { limit }) }, context.call);
    if (format === "json") {
      context.terminal.out(JSON.stringify(await Array.fromAsync(tags), null, 2) + "\n");
      return 0;
    }
    for await (const tag of tags) context.terminal.out(`${printableLine(tag)}\n`);
    return 0;
  },
};

function hostOf(repository: string, expand: (name: string) => string): readonly string[] {
  const hosts = hostsOf([repository], expand);
  if (hosts.length > 0) return hosts;
  try {
    return [parseReference(expand(repository)).host];
  } catch {
    // An address of another kind has none; what is neither is refused when it is opened.
    return [];
  }
}

function refused(flag: string, value: string, expected: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot use --${flag} "${value}": expected ${expected}`, {
    detail: { field: flag, value },
  });
}
