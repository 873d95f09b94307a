import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createLayerContext } from "../../tests/helpers/layer_context.ts";
import { assertCode, call } from "../../tests/conformance/store_tools.ts";
import { sandboxPlace } from "../engine_sandbox.ts";
import { isEngineError } from "../errors.ts";
import { digestHex, sha256 } from "../oci/digest.ts";
import { fileEntry, type PluginFile, type SandboxNeeds } from "./load_file.ts";
import { createHost, type Host } from "./registry.ts";
import { openSandbox } from "./sandbox/open_sandbox.ts";
import type { Wire } from "./sandbox/wire.ts";

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
    await work({
      name: "vendor-x",
      path,
      sha256: hex,
      options,
      permissions: undefined,
      isTrusted: true,
      startSeconds: 300,
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function open(file: PluginFile): Promise<Host> {
  const load = {
    openSandbox: (name: string, needs: SandboxNeeds) =>
      openSandbox(name, needs, sandboxPlace({ pluginSandbox: "worker" }, true)),
  };
  return createHost([fileEntry(file, load)], { credential: () => Promise.resolve(undefined) });
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

Deno.test("fileEntry() runs a plugin that is not trusted in a sandbox, with all that the host gives", async () => {
  await withFile(async (file) => {
    await using host = await open({ ...file, isTrusted: false });
    const hook = await host.layer("vendor.x");
    const entries = hook.build({ kind: "vendor.x", args: {} }, createLayerContext());
    assertEquals(await Array.fromAsync(entries), [{ type: "whiteout", path: "x" }]);
  });
});

Deno.test("fileEntry() loads a plugin whose hooks are known only when one is needed, and checks that they are the ones", async () => {
  await withFile(async (file) => {
    const lazy = { ...file, isTrusted: false, hooks: { layer: ["vendor.x"] } };
    await using host = await open({ ...lazy, path: `${file.path}.gone` });
    assertEquals(host.plugins[0]?.provides.layer, ["vendor.x"]);
    await assertCode("NOT_FOUND", () => host.layer("vendor.x"));
    await using other = await open({ ...lazy, hooks: { layer: ["vendor.y"] } });
    await assertCode("PLUGIN_FAILED", () => other.layer("vendor.y"));
  });
});

Deno.test("fileEntry() runs what it hashed, whatever becomes of the file", async () => {
  await withFile(async (file) => {
    const entry = fileEntry({ ...file, isTrusted: false }, {
      async openSandbox(name, needs): Promise<Wire> {
        await Deno.writeTextFile(file.path, "throw new Error('changed')");
        return await openSandbox(name, needs, sandboxPlace({ pluginSandbox: "worker" }, true));
      },
    });
    await using host = await createHost([entry], { credential: () => Promise.resolve(undefined) });
    assertEquals(host.plugins[0]?.provides.layer, ["vendor.x"]);
  });
});

Deno.test("fileEntry() rejects a file that is not UTF-8, which two readers could read in two ways", async () => {
  await withFile(async (file) => {
    const bytes = new Uint8Array([0xff, 0xfe, 0x61, 0]);
    await Deno.writeFile(file.path, bytes);
    await assertCode("PLUGIN_FAILED", async () => open({ ...file, sha256: digestHex(await sha256(bytes)) }));
  });
});

Deno.test("fileEntry() rejects with advice when there is no sandbox, or trust and permissions are both given", async () => {
  await withFile(async (file) => {
    const none = (name: string, needs: SandboxNeeds): Promise<Wire> =>
      openSandbox(name, needs, sandboxPlace({ pluginSandbox: "worker" }, false));
    const entries = [
      fileEntry({ ...file, isTrusted: false }, { openSandbox: none }),
      fileEntry({ ...file, permissions: { net: true } }, { openSandbox: none }),
    ];
    for (const entry of entries) {
      try {
        await createHost([entry], { credential: () => Promise.resolve(undefined) });
        assert(false, "it was loaded");
      } catch (error) {
        assert(isEngineError(error), String(error));
        assertEquals(error.code, "UNSUPPORTED");
        assertMatch(error.hint ?? "", /trusted|permissions/);
      }
    }
  });
});
