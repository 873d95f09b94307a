import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import type { Descriptor } from "./descriptor.ts";
import { choosePlatform, formatPlatform, hostPlatform, matchesPlatform, parsePlatform } from "./platform.ts";

Deno.test("parsePlatform() normalizes aliases and variants", () => {
  const table: [string, string][] = [
    ["linux/amd64", "linux/amd64"],
    ["linux/x86_64", "linux/amd64"],
    ["Linux/AMD64/v1", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["linux/aarch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm64/8", "linux/arm64"],
    ["linux/arm64/v9.0", "linux/arm64/v9"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/armhf", "linux/arm/v7"],
    ["linux/armel", "linux/arm/v6"],
    ["linux/arm/6", "linux/arm/v6"],
    ["linux/i386", "linux/386"],
    ["windows/amd64", "windows/amd64"],
    ["macos/arm64", "darwin/arm64"],
    ["arm64", "linux/arm64"],
    ["s390x", "linux/s390x"],
    ["linux", formatPlatform(hostPlatform())],
  ];
  for (const [text, expected] of table) assertEquals(formatPlatform(parsePlatform(text)), expected, text);
});

Deno.test("parsePlatform() refuses what is no platform", () => {
  for (const text of ["", "/", "linux/", "linux/amd64/v1/x", "lin ux/amd64", "solarium", "linux/amd64\n/x"]) {
    assertThrows(() => parsePlatform(text), EngineError, "Cannot read platform");
  }
});

function entry(text: string, annotations?: Record<string, string>): Descriptor {
  const [os = "", architecture = "", variant] = text.split("/");
  const platform = variant === undefined ? { os, architecture } : { os, architecture, variant };
  const digest = `sha256:${text}` as const;
  return { mediaType: "m", digest, size: 1, platform, ...(annotations === undefined ? {} : { annotations }) };
}

function chosen(wanted: string, ...offered: string[]): string | undefined {
  return choosePlatform(offered.map((text) => entry(text)), parsePlatform(wanted))?.digest.slice(7);
}

Deno.test("choosePlatform() follows containerd's order of fallbacks", () => {
  assertEquals(chosen("linux/amd64", "linux/386", "linux/amd64"), "linux/amd64");
  assertEquals(chosen("linux/amd64", "linux/386", "linux/arm64"), "linux/386");
  assertEquals(chosen("linux/amd64", "linux/amd64/v2"), undefined);
  assertEquals(chosen("linux/amd64/v3", "linux/amd64", "linux/amd64/v4", "linux/amd64/v2"), "linux/amd64/v2");
  assertEquals(chosen("linux/arm/v7", "linux/arm/v5", "linux/arm/v6"), "linux/arm/v6");
  assertEquals(chosen("linux/arm/v6", "linux/arm", "linux/arm/v5"), "linux/arm/v5");
  assertEquals(chosen("linux/arm64", "linux/arm/v7", "linux/arm64/v8"), "linux/arm64/v8");
  assertEquals(chosen("linux/arm64", "linux/arm/v7", "linux/arm/v8"), "linux/arm/v8");
  assertEquals(chosen("linux/arm64/v9.2", "linux/arm64/v8.7", "linux/arm64/v9"), "linux/arm64/v9");
  assertEquals(chosen("linux/arm64/v9.2", "linux/arm64/v8.8", "linux/arm64"), "linux/arm64");
  assertEquals(chosen("linux/s390x", "linux/amd64"), undefined);
  assertEquals(chosen("windows/amd64", "linux/amd64"), undefined);
});

Deno.test("choosePlatform() takes the first among equals and passes attestations over", () => {
  const first = entry("linux/amd64");
  const second = { ...first, digest: "sha256:second" as const };
  const attestation = entry("linux/amd64", { "vnd.docker.reference.type": "attestation-manifest" });
  assertEquals(
    choosePlatform([attestation, entry("unknown/unknown"), first, second], parsePlatform("linux/amd64")),
    first,
  );
  assertEquals(
    choosePlatform([{ mediaType: "m", digest: "sha256:x", size: 1 }], parsePlatform("linux/amd64")),
    undefined,
  );
});

Deno.test("matchesPlatform() is true for the platform and its fallbacks", () => {
  assertEquals(matchesPlatform(parsePlatform("linux/386"), parsePlatform("linux/amd64")), true);
  assertEquals(matchesPlatform(parsePlatform("linux/amd64"), parsePlatform("linux/386")), false);
});
