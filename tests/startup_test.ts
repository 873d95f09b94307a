/** What commands load before their first line of work: start-up time is mostly the number and size of modules. */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { fromFileUrl } from "@std/path";

const root = new URL("../", import.meta.url);

interface Dependency {
  readonly isDynamic?: boolean;
  readonly code?: { readonly specifier?: string };
}

interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly Dependency[];
  }[];
}

/** Modules that are loaded when the given ones are: their static imports and what those import, without types and `import()`. */
async function loadedBy(...paths: readonly string[]): Promise<Set<string>> {
  const loaded = new Set<string>();
  for (const path of paths) {
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", fromFileUrl(new URL(path, root))],
      stderr: "null",
    }).output();
    assert(success, `cannot read the imports of ${path}`);
    const graph: Graph = JSON.parse(new TextDecoder().decode(stdout));
    const dependencies = new Map(graph.modules.map((module) => [module.specifier, module.dependencies ?? []]));
    const pending = [new URL(path, root).href];
    for (let specifier = pending.pop(); specifier !== undefined; specifier = pending.pop()) {
      if (loaded.has(specifier)) continue;
      loaded.add(specifier);
      for (const { isDynamic, code } of dependencies.get(specifier) ?? []) {
        if (isDynamic !== true && code?.specifier !== undefined) pending.push(code.specifier);
      }
    }
  }
  return loaded;
}

const engine = ["core/engine.ts", "plugins/mod.ts", "plugins/store_local/mod.ts"];

/** The most modules that a command may load before it works, a few more than it does now. */
const commands: readonly (readonly [command: string, limit: number, modules: readonly string[]])[] = [
  ["version", 16, ["cli.ts", "core/cli/command/version.ts"]],
  ["help", 14, ["cli.ts", "core/cli/command/help.ts"]],
  ["image ls", 49, ["cli.ts", "core/cli/command/image_ls.ts", ...engine]],
  ["image inspect", 65, ["cli.ts", "core/cli/command/image_inspect.ts", ...engine]],
  ["image history", 66, ["cli.ts", "core/cli/command/image_history.ts", ...engine]],
  ["image tag", 46, ["cli.ts", "core/cli/command/image_tag.ts", ...engine]],
  // Of which nothing has changed: it is replayed without the parser and the solver.
  ["build", 49, ["cli.ts", "core/cli/command/build.ts", ...engine, "core/image/build.ts"]],
];

for (const [command, limit, modules] of commands) {
  Deno.test(`strata ${command} loads few modules, and of Node's only what starts fast`, async () => {
    const loaded = [...await loadedBy(...modules)].map((specifier) => specifier.replace(root.href, ""));
    assertEquals(loaded.filter((each) => each.startsWith("node:") && each !== "node:sqlite"), []);
    assertEquals(loaded.filter((each) => each.startsWith("npm:") || each.startsWith("core/api/")), []);
    assertEquals(loaded.filter((each) => /^core\/(host\/(sandbox|load_file)|conformance|engine_)/.test(each)), []);
    assertLessOrEqual(loaded.length, limit, `it loads ${loaded.length} modules:\n${loaded.sort().join("\n")}`);
  });
}

Deno.test("deno.json has modules loaded with import() read when they are asked for", async () => {
  const config: { readonly unstable?: readonly string[] } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", root)),
  );
  assert(config.unstable?.includes("lazy-dynamic-imports"), "every start would parse the whole program");
});
