import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { MediaType } from "./media_type.ts";
import { readImageConfig, readIndex, readManifest } from "./validate.ts";

const digest = `sha256:${"a".repeat(64)}`;
const descriptor = { mediaType: MediaType.layer, digest, size: 3 };
const manifest = { schemaVersion: 2, mediaType: MediaType.manifest, config: descriptor, layers: [descriptor] };
const index = { schemaVersion: 2, mediaType: MediaType.index, manifests: [descriptor] };
const config = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [digest] } };

function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

Deno.test("readManifest() takes OCI and Docker manifests and keeps unknown members", () => {
  assertEquals(readManifest(bytes({ ...manifest, vendor: 1 })) as unknown, { ...manifest, vendor: 1 });
  assertEquals(
    readManifest(bytes({ ...manifest, mediaType: undefined }), MediaType.dockerManifest).layers,
    [descriptor] as never,
  );
});

Deno.test("readManifest() refuses broken documents and says what is wrong", () => {
  const table: [unknown, string][] = [
    ["", "found no JSON text"],
    ["{", "found no JSON text"],
    ["[]", "found the document []"],
    [{ ...manifest, schemaVersion: 3 }, "found schemaVersion 3, expected 2"],
    [{ ...manifest, config: undefined }, "found config missing"],
    [{ ...manifest, layers: {} }, "found layers {}"],
    [{ ...manifest, manifests: [] }, 'found "manifests" beside "config"'],
    [{ ...manifest, layers: [{ ...descriptor, size: -1 }] }, "found layers[0].size -1"],
    [{ ...manifest, layers: [{ ...descriptor, size: 1.5 }] }, "found layers[0].size 1.5"],
    [{ ...manifest, layers: [{ ...descriptor, size: 2 ** 60 }] }, "found layers[0].size"],
    [{ ...manifest, layers: [{ ...descriptor, digest: "sha256:../../etc" }] }, "found layers[0].digest"],
    [{ ...manifest, layers: [{ ...descriptor, digest: `sha256:${"A".repeat(64)}` }] }, "found layers[0].digest"],
    [{ ...manifest, layers: [{ ...descriptor, annotations: { a: 1 } }] }, "found layers[0].annotations"],
    [{ ...manifest, mediaType: 7 }, "found mediaType 7"],
    [{ ...manifest, layers: [{ ...descriptor, urls: "x" }] }, "found layers[0].urls"],
  ];
  for (const [value, message] of table) {
    assertEquals(assertThrows(() => readManifest(bytes(value)), EngineError, message).code, "CONTENT_MISMATCH");
  }
  assertThrows(() => readManifest(new Uint8Array([0xff, 0xfe])), EngineError, "found no JSON text");
  assertThrows(() => readManifest(bytes(manifest), MediaType.dockerManifest), EngineError, "found mediaType");
});

Deno.test("readManifest() refuses other kinds of documents by name", () => {
  const schema1 = assertThrows(() => readManifest(bytes({ schemaVersion: 1 })), EngineError, "schema 1 is obsolete");
  assertEquals(schema1.code, "UNSUPPORTED");
  const other = assertThrows(
    () => readManifest(bytes({ ...manifest, mediaType: "text/plain" })),
    EngineError,
    "it is no image",
  );
  assertEquals(other.code, "UNSUPPORTED");
});

Deno.test("readIndex() takes indexes and refuses a document that is also a manifest", () => {
  assertEquals(readIndex(bytes(index)).manifests, [descriptor] as never);
  assertThrows(() => readIndex(bytes({ ...index, layers: [] })), EngineError, "beside");
  assertThrows(
    () => readIndex(bytes({ ...index, manifests: [{ ...descriptor, platform: {} }] })),
    EngineError,
    "platform.os missing",
  );
  const platform = { os: "linux", architecture: "arm", variant: 7 };
  assertThrows(
    () => readIndex(bytes({ ...index, manifests: [{ ...descriptor, platform }] })),
    EngineError,
    "platform.variant 7",
  );
});

Deno.test("readImageConfig() drops null members and keeps the rest", () => {
  const text = {
    ...config,
    config: { Env: ["A=1"], Cmd: null, Volumes: null },
    history: [{ comment: null }],
    "moby.x": 1,
  };
  assertEquals(readImageConfig(bytes(text)) as unknown, {
    ...config,
    config: { Env: ["A=1"] },
    history: [{}],
    "moby.x": 1,
  });
});

Deno.test("readImageConfig() refuses configs that break the rules", () => {
  const table: [unknown, string][] = [
    [{ ...config, os: undefined }, "found os missing"],
    [{ ...config, rootfs: undefined }, "found rootfs missing"],
    [{ ...config, rootfs: { type: "x" } }, "found rootfs.type"],
    [{ ...config, rootfs: { type: "layers", diff_ids: ["x"] } }, "found rootfs.diff_ids"],
    [{ ...config, config: { Env: "A" } }, "found config.Env"],
    [{ ...config, config: { Labels: [] } }, "found config.Labels"],
    [{ ...config, config: { User: 1 } }, "found config.User"],
    [{ ...config, history: [{}, {}] }, "found 2 history entries"],
    [{ ...config, history: [1] }, "found history"],
    [{ ...config, variant: 5 }, "found variant 5"],
    [{ ...config, created: 5 }, "found created 5"],
    [{ ...config, "os.features": [1] }, "found os.features [1]"],
    [{ ...config, history: [{ created_by: 1 }] }, "found history[0].created_by 1"],
    [{ ...config, history: [{ empty_layer: "yes" }] }, "found history[0].empty_layer"],
    [{ ...config, config: { Labels: { a: 1 } } }, "found config.Labels"],
    [{ ...config, config: { Healthcheck: { Test: "x" } } }, "found config.Healthcheck.Test"],
    [{ ...config, config: { Healthcheck: [] } }, "found config.Healthcheck"],
    [`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, "found a document nested"],
  ];
  for (const [value, message] of table) assertThrows(() => readImageConfig(bytes(value)), EngineError, message);
});
