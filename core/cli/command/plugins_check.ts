import { readConfig } from "../../image/plugin_config.ts";
import { checkPlugin, type CheckPluginInput } from "../../image/plugin_check.ts";
import { paint, printable } from "../color.ts";
import type { Command, Context, Input } from "../command.ts";

/** `strata plugins check`. */
export const command: Command = {
  usage: "NAME|FILE|npm:PACKAGE@VERSION",
  description:
    "Runs the conformance suite of each hook of a plugin in its sandbox, with the samples that its file exports; exits with 1 when a test fails.",
  flags: [{ name: "quiet", short: "q", type: "boolean", help: "Show only what failed" }],
  words: { min: 1, max: 1 },
  complete: "file",
  examples: [["strata plugins check ./list.ts", "before it is added"]],
  async run(input: Input, context: Context): Promise<number> {
    const { terminal, call } = context;
    const [plugin = ""] = input.words;
    const isAbsolute = plugin.startsWith("npm:") || /^(?:\/|[A-Za-z]:[\\/])/.test(plugin);
    const path = isAbsolute ? plugin : `${Deno.cwd()}/${plugin.replace(/^(?:\.\/)+/, "")}`;
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const formats: CheckPluginInput["formats"] = async (format) =>
      await (await context.openEngine()).host.format(format);
    for await (const { name, failure, isSkipped } of checkPlugin(readConfig(), { plugin, path, formats }, call)) {
      const outcome = isSkipped === true ? "skipped" : failure === undefined ? "passed" : "failed";
      counts[outcome]++;
      if (outcome === "failed") {
        terminal.out(
          `${paint("red", "FAIL", terminal.hasColor)} ${name}\n     ${
            printable(failure ?? "").replaceAll("\n", "\n     ")
          }\n`,
        );
      } else if (!input.isOn("quiet")) {
        terminal.out(outcome === "passed" ? `ok   ${name}\n` : `skip ${name}: the plugin exports no samples for it\n`);
      }
    }
    terminal.out(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
    return counts.failed === 0 ? 0 : 1;
  },
};
