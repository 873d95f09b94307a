/** What the package exports equals a committed list, so that no name comes or goes unnoticed. */
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

const root = fromFileUrl(new URL("..", import.meta.url));

async function exportsOf(file: string): Promise<string[]> {
  const output = await new Deno.Command(Deno.execPath(), { args: ["doc", "--json", file], cwd: root }).output();
  const text = new TextDecoder().decode(output.stdout);
  const names = new Set<string>();
  for (const symbol of symbolsOf(JSON.parse(text))) names.add(symbol);
  return [...names].sort();
}

/** Names in the output of `deno doc --json`, whose nodes are a list in older versions and grouped by file in newer ones. */
function symbolsOf(doc: { nodes: unknown }): string[] {
  const groups: { symbols?: { name: string }[] }[] = Array.isArray(doc.nodes)
    ? [{ symbols: doc.nodes }]
    : Object.values(doc.nodes ?? {});
  return groups.flatMap((group) => (group.symbols ?? []).map((symbol) => symbol.name));
}

for (
  const [name, file] of [[".", "mod.ts"], ["./contract", "core/contract/mod.ts"], [
    "./conformance",
    "core/conformance/mod.ts",
  ]] as const
) {
  Deno.test(`the exports of "${name}" are the committed ones`, async () => {
    const committed = JSON.parse(await Deno.readTextFile(`${root}/tests/api_surface.json`));
    assertEquals(await exportsOf(file), committed[name]);
  });
}
