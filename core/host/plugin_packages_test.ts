import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createLayerContext } from "../../tests/helpers/layer_context.ts";
import { assertCode } from "../../tests/conformance/store_tools.ts";
import { createTestHost } from "../../tests/helpers/test_host.ts";
import { findBubblewrap } from "../os/plugin_process.ts";
import { sandboxPlace } from "../engine_sandbox.ts";
import { isEngineError } from "../errors.ts";
import { digestHex, sha256 } from "../oci/digest.ts";
import { type OpenPlugin, openPlugin } from "./load_file.ts";
import type { SandboxKind } from "./plugin_entry.ts";
import { openSandbox } from "./sandbox/open_sandbox.ts";

const plugin = `
  import { name } from "npm:@acme/names@1.2.3";
  import type { Anything } from "nowhere";
  const again = async (): Promise<string> => (await import('npm:@acme/names@1.2.3')).name;
  export default () => ({
    name: "p",
    api: 1,
    layer: [{
      kinds: ["x.name"],
      contentKey: () => Promise.resolve(undefined),
      async *build() { yield { type: "whiteout", path: name + (await again()) }; },
    }],
  });
`;
const names = `import { basename } from "node:path";\nexport const name = basename("/a/named");\n`;

interface Given {
  readonly modules?: Readonly<Record<string, string>>;
  readonly packages?: Readonly<Record<string, string>>;
  readonly kind?: SandboxKind;
  readonly text?: string;
}

async function open(
  { modules = { "@acme/names@1.2.3": names }, packages, kind = "worker", text = plugin }: Given,
): Promise<OpenPlugin> {
  return await openPlugin(
    { name: "p", permissions: undefined, packages, startSeconds: 300 },
    { text, sha256: "", type: "application/typescript" },
    {
      openSandbox: (name, needs) => openSandbox(name, needs, sandboxPlace({ pluginSandbox: kind }, true)),
      readPackage: (name) => Promise.resolve(new TextEncoder().encode(modules[name])),
      host: createTestHost(),
    },
  );
}

const hash = digestHex(await sha256(names));

for (const kind of ["worker", "process", "bubblewrap"] as const) {
  const ignore = kind === "bubblewrap" && findBubblewrap() === undefined;
  Deno.test({
    name: `openPlugin() gives a plugin in a ${kind} the module of a package that it imports, and tells its sha256`,
    ignore,
    async fn(): Promise<void> {
      const { plugin, packages, sandbox } = await open({ kind });
      await using _sandbox = sandbox;
      assertEquals(packages, { "@acme/names@1.2.3": hash });
      const [hook] = plugin.layer ?? [];
      assert(hook !== undefined);
      const entries = await Array.fromAsync(hook.build({ kind: "x.name", args: {} }, createLayerContext()));
      assertEquals(entries, [{ type: "whiteout", path: "namednamed" }]);
    },
  });
}

Deno.test("openPlugin() rejects packages that are not pinned, or have another sha256", async () => {
  await assertCode("PLUGIN_FAILED", () => open({ packages: {} }));
  await assertCode("PLUGIN_FAILED", () => open({ packages: { "@acme/names@1.2.4": hash } }));
  await assertCode("CONTENT_MISMATCH", () => open({ packages: { "@acme/names@1.2.3": "0".repeat(64) } }));
});

const hidden: readonly string[] = [
  `export { name } from "npm:other@1.2.3";`,
  `import x from "./x.js"; export const name = x;`,
  `export const name = (await import("/etc/passwd", { with: { type: "text" } })).default;`,
  `export const name = await import("npm:" + "other");`,
  `import "node:child_process"; export const name = "";`,
  `import s from "https://example.com/"; export const name = s;`,
];
for (const module of hidden) {
  Deno.test(`openPlugin() rejects a package with ${module}`, async () => {
    const error = await open({ modules: { "@acme/names@1.2.3": module } }).catch((failure: unknown) => failure);
    assert(isEngineError(error), String(error));
    assertEquals(error.code, "PLUGIN_FAILED");
    assertStringIncludes(error.message, 'plugin "npm:@acme/names@1.2.3"');
  });
}

Deno.test("openPlugin() rejects a plugin that imports what its package does not export", async () => {
  await assertCode("PLUGIN_FAILED", () => open({ modules: { "@acme/names@1.2.3": "export const other = 1;" } }));
});
