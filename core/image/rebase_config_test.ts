import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { ImageContent } from "../build/base_image.ts";
import { EngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import type { ExecConfig, History } from "../oci/image_config.ts";
import { rebaseConfig } from "./rebase_config.ts";

const digestOf = (letter: string): Digest => `sha256:${letter.repeat(64)}`;

/** An image whose layers are named by letters; its history has one step for each, and an empty one at the end. */
function imageOf(
  letters: string,
  exec: ExecConfig,
  history?: readonly History[],
  architecture = "amd64",
): ImageContent {
  const diffIds = [...letters].map(digestOf);
  const layers = diffIds.map((digest) => ({ mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size: 1 }));
  const descriptor = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: digestOf("f"), size: 1 };
  const rootfs = { type: "layers", diff_ids: diffIds } as const;
  return {
    descriptor,
    manifest: { schemaVersion: 2, config: descriptor, layers },
    config: { os: "linux", architecture, config: exec, rootfs },
    platform: { os: "linux", architecture },
    chain: {
      layers: layers.map((layer, at) => ({ descriptor: layer, diffId: diffIds[at] ?? digestOf("0") })),
    } as never,
    history: history ??
      [...[...letters].map((letter) => ({ created_by: letter })), { created_by: `${letters} end`, empty_layer: true }],
  };
}

function rebaseExec(image: ExecConfig, oldBase: ExecConfig, newBase: ExecConfig): ExecConfig | undefined {
  const contents = { image: imageOf("ab", image), oldBase: imageOf("a", oldBase), newBase: imageOf("cd", newBase) };
  return rebaseConfig(contents).config;
}

Deno.test("rebaseConfig() puts layers and steps of the image after those of the new base", () => {
  const own = [{ created_by: "a" }, { created_by: "a end", empty_layer: true }, { created_by: "b" }];
  const image = imageOf("ab", {}, own);
  const config = rebaseConfig({ image, oldBase: imageOf("a", {}), newBase: imageOf("cd", {}) });
  assertEquals(config.rootfs.diff_ids, ["c", "d", "b"].map(digestOf));
  assertEquals(config.history?.map((step) => step.created_by), ["c", "d", "cd end", "b"]);
});

Deno.test("rebaseConfig() finds the image's own steps when the old base's history is another one", () => {
  const image = imageOf("ab", {}, [{ created_by: "squashed" }, { created_by: "own", empty_layer: true }, {
    created_by: "b",
  }]);
  const steps = [1, 2, 3].map((at) => ({ created_by: String(at), empty_layer: true }));
  const oldBase = imageOf("a", {}, [...steps, { created_by: "a" }]);
  const config = rebaseConfig({ image, oldBase, newBase: imageOf("c", {}) });
  assertEquals(config.history?.map((step) => step.created_by), ["c", "c end", "b"]);
});

Deno.test("rebaseConfig() takes what was inherited from the new base and keeps what the image changed", () => {
  const oldBase = {
    Env: ["PATH=/bin", "LANG=C", "OLD=1", "GONE=1"],
    Labels: { base: "old", shared: "1" },
    User: "root",
    WorkingDir: "/old",
    StopSignal: "SIGTERM",
  };
  const image = {
    ...oldBase,
    Env: ["PATH=/app:/bin", "LANG=C", "OLD=1", "OWN=1"],
    Labels: { base: "old", shared: "2", own: "1" },
    WorkingDir: "/app",
    ExposedPorts: { "80/tcp": {} },
  };
  const newBase = {
    Env: ["LANG=C.UTF-8", "PATH=/usr/bin", "NEW=1", "GONE=2"],
    Labels: { base: "new", shared: "3" },
    User: "nobody",
    WorkingDir: "/new",
    Healthcheck: { Test: ["NONE"] },
  };
  assertEquals(rebaseExec(image, oldBase, newBase), {
    User: "nobody",
    WorkingDir: "/app",
    Healthcheck: { Test: ["NONE"] },
    Env: ["LANG=C.UTF-8", "PATH=/app:/bin", "NEW=1", "OWN=1"],
    Labels: { base: "new", shared: "2", own: "1" },
    ExposedPorts: { "80/tcp": {} },
  });
});

Deno.test("rebaseConfig() takes Cmd from the new base only when the entrypoint is inherited as well", () => {
  const base = { Entrypoint: ["old"], Cmd: ["a"] };
  const next = { Entrypoint: ["new"], Cmd: ["b"] };
  assertEquals(rebaseExec(base, base, next), next);
  assertEquals(rebaseExec({ ...base, Cmd: ["own"] }, base, next), { Entrypoint: ["new"], Cmd: ["own"] });
  assertEquals(rebaseExec({ Entrypoint: ["own"] }, { Cmd: ["a"] }, { Cmd: ["b"] }), { Entrypoint: ["own"] });
  assertEquals(rebaseExec({ Entrypoint: ["own"] }, {}, { Cmd: ["b"] }), { Entrypoint: ["own"] });
});

Deno.test("rebaseConfig() throws INVALID_ARGUMENT when the image is not on the base, or the base for another platform", () => {
  const newBase = imageOf("c", {});
  for (const [letters, oldLetters] of [["ab", "b"], ["a", "ab"], ["ab", "ac"]] as const) {
    const contents = { image: imageOf(letters, {}), oldBase: imageOf(oldLetters, {}), newBase };
    const error = assertThrows(() => rebaseConfig(contents), EngineError);
    assertEquals(error.code, "INVALID_ARGUMENT");
    assertStringIncludes(error.message, "of the old base");
  }
  const other = { image: imageOf("ab", {}), oldBase: imageOf("a", {}), newBase: imageOf("c", {}, undefined, "arm64") };
  assertStringIncludes(assertThrows(() => rebaseConfig(other), EngineError).message, '"linux/arm64"');
});
