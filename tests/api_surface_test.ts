/** What the package exports equals a committed list, so that no name comes or goes unnoticed. */
import { assert, assertEquals } from "@std/assert";
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

interface Declaration {
  readonly kind: string;
  readonly jsDoc?: { readonly tags?: readonly { readonly kind: string; readonly doc?: string }[] };
}

interface DocumentedSymbol {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

function documentedSymbols(
  doc: { nodes: Readonly<Record<string, { symbols: DocumentedSymbol[] }>> },
): DocumentedSymbol[] {
  return Object.values(doc.nodes).flatMap(({ symbols }) => symbols);
}

const entries = [
  [".", "mod.ts"],
  ["./api", "core/api/mod.ts"],
  ["./contract", "core/contract/mod.ts"],
  ["./conformance", "core/conformance/mod.ts"],
] as const;

for (const [name, file] of entries) {
  Deno.test(`the exports of "${name}" are the committed ones`, async () => {
    const committed = JSON.parse(await Deno.readTextFile(`${root}/tests/api_surface.json`));
    assertEquals(await exportsOf(file), committed[name]);
  });

  Deno.test(`everything that "${name}" exports has an example, which deno test --doc runs`, async () => {
    const output = await new Deno.Command(Deno.execPath(), { args: ["doc", "--json", file], cwd: root }).output();
    const symbols = documentedSymbols(JSON.parse(new TextDecoder().decode(output.stdout)));
    const isExplained = ({ jsDoc }: Declaration): boolean =>
      jsDoc?.tags?.some(({ kind, doc }) => kind === "example" && doc?.includes("```ts\n") === true) === true;
    const bare = symbols.filter(({ declarations }) => !declarations.some(isExplained));
    assertEquals(bare.map(({ name }) => name), []);
    assert(symbols.length > 5, "the output of deno doc was understood");
  });
}
