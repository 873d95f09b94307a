import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { assertCode, call } from "../../tests/conformance/store_tools.ts";
import { isEngineError } from "../errors.ts";
import { digestHex, sha256 } from "../oci/digest.ts";
import { fileEntry, type PluginFile } from "./load_file.ts";
import { createHost, type Host } from "./registry.ts";

const text = `
  export default (host: { config: { kind: string } }) => ({
    name: "vendor-x",
    api: 1,
    layer: [{
      kinds: [host.config.kind],
      contentKey: () => Promise.resolve(undefined),
      async *build() { yield { type: "whiteout", path: "x" }; },
    }],
  });
`;

async function withFile(work: (file: PluginFile) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/x.ts`;
    await Deno.writeTextFile(path, text);
    const hex = digestHex(await sha256(text));
    const options = { kind: "vendor.x" };
    await work({ name: "vendor-x", path, sha256: hex, options, permissions: undefined, isTrusted: true });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function open(file: PluginFile): Promise<Host> {
  return createHost([fileEntry(file)], { credential: () => Promise.resolve(undefined) });
}

Deno.test("fileEntry() loads a plugin file when its sha256 is the one told", async () => {
  await withFile(async (file) => {
    const host = await open(file);
    assertStringIncludes(host.plugins[0]?.identity ?? "", file.sha256);
    const hook = await host.layer("vendor.x");
    const entries = hook.build({ kind: "vendor.x", args: {} }, { ...call } as Parameters<typeof hook.build>[1]);
    assertEquals(await Array.fromAsync(entries), [{ type: "whiteout", path: "x" }]);
  });
});

Deno.test("fileEntry() rejects when the file was changed", async () => {
  await withFile(async (file) => {
    await Deno.writeTextFile(file.path, `${text}\n`);
    await assertCode("CONTENT_MISMATCH", () => open(file));
  });
});

Deno.test("fileEntry() rejects when the file is missing", async () => {
  await withFile((file) => assertCode("NOT_FOUND", () => open({ ...file, path: `${file.path}.gone` })));
});

Deno.test("fileEntry() rejects with advice when the plugin is not trusted or has permissions", async () => {
  await withFile(async (file) => {
    for (const wrong of [{ ...file, isTrusted: false }, { ...file, permissions: { net: true } }]) {
      try {
        await open(wrong);
        assert(false, "it was loaded");
      } catch (error) {
        assert(isEngineError(error), String(error));
        assertEquals(error.code, "UNSUPPORTED");
        assertMatch(error.hint ?? "", /trusted|permissions/);
      }
    }
  });
});
