import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../errors.ts";
import { loginsOfBuild, loginsOfRequest, readAuthConfig } from "./auth_header.ts";
import type { ApiContext } from "../context.ts";
import { dockerMessage } from "./error.ts";
import { ofLookup, readName, readRepositoryAndTag, shownName } from "./name.ts";
import { isBefore, readApiVersion } from "./version.ts";

function messageOf(work: () => unknown): string {
  return dockerMessage(assertThrows(work, EngineError));
}

Deno.test("readName() and readRepositoryAndTag() refuse names in docker's words", () => {
  assertEquals(
    messageOf(() => readName("UP")),
    "invalid reference format: repository name (library/UP) must be lowercase",
  );
  assertEquals(
    messageOf(() => readName("a.b/UP:1")),
    "invalid reference format: repository name (UP) must be lowercase",
  );
  for (const text of ["", "x y", "a:b:c", "a//b", "a@sha256:x", "-a"]) {
    assertEquals(messageOf(() => readName(text)), "invalid reference format", text);
  }
  assertEquals(messageOf(() => readRepositoryAndTag("a", "x!")), "invalid tag format");
  const digest = `a@sha256:${"0".repeat(64)}`;
  assertEquals(messageOf(() => readRepositoryAndTag(digest, "")), "cannot import digest reference");
  assertEquals(readRepositoryAndTag("localhost:5000/a", "1").tag, "1");
});

Deno.test("shownName() and ofLookup() name an image as docker does", () => {
  assertEquals([shownName("a"), shownName("docker.io/library/a:1"), shownName("x y")], ["a:latest", "a:1", "x y"]);
  const missing = new EngineError("NOT_FOUND", "x", { detail: { kind: "image", name: "a" } });
  assertEquals(dockerMessage(ofLookup(missing, "a")), "No such image: a:latest");
  assertEquals(dockerMessage(ofLookup(missing, "sha256:ab")), "No such image: sha256:ab");
  const several = new EngineError("CONFLICT", "x", { detail: { candidates: ["a", "b"] } });
  assertEquals(dockerMessage(ofLookup(several, "ab")), "No such image: ab:latest");
  const other = new EngineError("NOT_FOUND", "x", { detail: { kind: "platform", name: "a" } });
  assertEquals(ofLookup(other, "a"), other);
});

Deno.test("readApiVersion() answers versions 1.24 to 1.47 and says what is wrong with others", () => {
  assertEquals(readApiVersion(undefined), { major: 1, minor: 47 });
  assertEquals(isBefore(readApiVersion("v1.24"), "1.25"), true);
  assertEquals(isBefore(readApiVersion("v1.41"), "1.5"), false);
  const old = "Minimum supported API version is 1.24, please upgrade your client to a newer version";
  assertEquals(messageOf(() => readApiVersion("v1.23")), `client version 1.23 is too old. ${old}`);
  const latest = "client version 1.48 is too new. Maximum supported API version is 1.47";
  assertEquals(messageOf(() => readApiVersion("v1.48")), latest);
});

function withHeader(name: string, value: string): ApiContext {
  const request = { header: (asked: string) => asked === name ? value : undefined };
  // What the readers use of a context.
  return { req: request } as unknown as ApiContext;
}

Deno.test("logins are read from both headers, in either alphabet of base64, and nothing else counts as one", () => {
  const login = { username: "me", password: "a>b?" };
  const plain = btoa(JSON.stringify(login));
  const url = plain.replaceAll("+", "-").replaceAll("/", "_");
  for (const text of [plain, url]) {
    const find = loginsOfRequest(withHeader("x-registry-auth", text));
    assertEquals(find("quay.io/a"), { username: "me", secret: "a>b?" });
  }
  for (const text of ["", "e30=", "%%%", btoa("[]"), btoa("null"), "x".repeat(300_000)]) {
    assertEquals(loginsOfRequest(withHeader("x-registry-auth", text))("quay.io"), undefined, text.slice(0, 10));
  }
  const config = {
    "https://index.docker.io/v1/": login,
    "quay.io": { auth: btoa("you:p:w") },
    "x.io": { identitytoken: "t" },
  };
  const find = loginsOfBuild(withHeader("x-registry-config", btoa(JSON.stringify(config))));
  assertEquals(find("docker.io/library/a"), { username: "me", secret: "a>b?" });
  assertEquals(find("quay.io"), { username: "you", secret: "p:w" });
  assertEquals(find("x.io"), { username: "", secret: "t" });
  assertEquals(find("other.io"), undefined);
  assertEquals(readAuthConfig('{"username":"a","password":"b","serveraddress":"s"}')?.server, "s");
});
