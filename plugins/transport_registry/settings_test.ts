import { assertEquals, assertThrows } from "@std/assert";
import { parseConfig } from "../../core/config_file.ts";
import { EngineError } from "../../core/errors.ts";
import { createTestHost } from "../../tests/helpers/test_host.ts";
import { readSettings, registrySettings } from "./settings.ts";

Deno.test("readSettings() takes what is documented and gives defaults for the rest", () => {
  const settings = readSettings(createTestHost({
    attempts: 2,
    uploads: 9,
    registries: {
      "a.example:5000": { plainHttp: true, mirrors: ["m.example/sub/dir", "n.example"], proxy: "", chunkBytes: 1 },
      "b.example": { insecure: true, ca: "/ca.pem", clientCertificate: "/c", clientKey: "/k", blocked: true },
    },
  }));
  assertEquals([settings.attempts, settings.uploads, settings.idleTimeoutMs], [2, 9, 60_000]);
  assertEquals(registrySettings(settings, "a.example:5000").mirrors, ["m.example/sub/dir", "n.example"]);
  assertEquals(registrySettings(settings, "b.example").blocked, true);
  assertEquals(registrySettings(settings, "c.example").insecure, false);
});

Deno.test("the config that docs/registries.md shows is taken as it stands", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/registries.md", import.meta.url));
  const [, json = ""] = /^```json\n([\s\S]*?)^```$/m.exec(page) ?? [];
  const config = parseConfig(json, "/home/ann/.config/strata/config.json").pluginOptions?.["transport-registry"];
  const settings = readSettings(createTestHost(config));
  assertEquals(Object.keys(settings.registries).length > 3, true);
  for (const key of [...Object.keys(settings), ...Object.values(settings.registries).flatMap(Object.keys)]) {
    assertEquals(page.includes(`\`${key}\``), true, key);
  }
});

Deno.test("registrySettings() takes the host, then the longest domain, then the star", () => {
  const named = (ca: string): { ca: string } => ({ ca: `/${ca}` });
  const settings = readSettings(createTestHost({
    registries: {
      "*": named("any"),
      "*.example": named("wide"),
      "*.b.example": named("narrow"),
      "x.b.example": named("x"),
    },
  }));
  const hosts = ["x.b.example", "y.b.example", "b.example", "c.example", "example", "other", "toString"];
  assertEquals(hosts.map((host) => registrySettings(settings, host).ca), [
    "/x",
    "/narrow",
    "/wide",
    "/wide",
    "/any",
    "/any",
    "/any",
  ]);
});

Deno.test("readSettings() throws INVALID_ARGUMENT naming what is unknown or malformed", () => {
  const wrong: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ attempt: 1 }, "attempt"],
    [{ attempts: 0 }, "attempts"],
    [{ attempts: "3" }, "attempts"],
    [{ idleTimeoutMs: 1.5 }, "idleTimeoutMs"],
    [{ registries: [] }, "registries"],
    [{ registries: { a: null } }, "registries.a"],
    [{ registries: { a: { mirror: [] } } }, "registries.a.mirror"],
    [{ registries: { a: { ca: "" } } }, "registries.a.ca"],
    [{ certificateDirectories: "/etc" }, "certificateDirectories"],
    [{ registries: { a: { plainHttp: "yes" } } }, "registries.a.plainHttp"],
    [{ registries: { a: { mirrors: ["http://m.example"] } } }, "registries.a.mirrors"],
    [{ registries: { a: { mirrors: "m.example" } } }, "registries.a.mirrors"],
    [{ registries: { a: { chunkBytes: -1 } } }, "registries.a.chunkBytes"],
    [{ registries: { a: { proxy: "no url" } } }, "registries.a.proxy"],
    [{ registries: { a: { constructor: true } } }, "registries.a.constructor"],
  ];
  for (const [config, field] of wrong) {
    const error = assertThrows(() => readSettings(createTestHost(config)), EngineError);
    assertEquals([error.code, error.detail.field], ["INVALID_ARGUMENT", field]);
  }
});
