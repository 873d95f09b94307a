import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import { createTestHost } from "../../tests/helpers/test_host.ts";
import { parseAddress } from "./address.ts";
import { hostEndpoint, originEndpoint, readEndpoints } from "./endpoint.ts";
import { readSettings } from "./settings.ts";

const { kit } = createTestHost();

function endpoints(address: string, registries: Readonly<Record<string, unknown>> = {}): string[] {
  const settings = readSettings(createTestHost({ registries }));
  return readEndpoints(parseAddress(address, kit), settings, kit).map(({ host, origins, repository, mirrorOf }) =>
    `${host} ${origins.map(({ origin }) => origin).join(" ")} ${repository}${
      mirrorOf === undefined ? "" : ` for ${mirrorOf}`
    }`
  );
}

Deno.test("readEndpoints() knows where docker.io is, and asks others by their name with encryption", () => {
  assertEquals(endpoints("alpine"), ["docker.io https://registry-1.docker.io library/alpine"]);
  assertEquals(endpoints("index.docker.io/a/b"), ["docker.io https://registry-1.docker.io a/b"]);
  assertEquals(endpoints("r.example:5000/a"), ["r.example:5000 https://r.example:5000 a"]);
  assertEquals(endpoints("10.0.0.1/a"), ["10.0.0.1 https://10.0.0.1 a"]);
});

Deno.test("readEndpoints() lets this machine, and what is marked insecure, do without encryption", () => {
  for (const host of ["localhost:5000", "127.0.0.1:5000", "[::1]:5000"]) {
    assertEquals(endpoints(`${host}/a`), [`${host} http://${host} https://${host} a`]);
  }
  assertEquals(endpoints("localhost/a"), ["localhost https://localhost http://localhost a"]);
  assertEquals(endpoints("r.example/a", { "r.example": { insecure: true } }), [
    "r.example https://r.example http://r.example a",
  ]);
  assertEquals(endpoints("r.example/a", { "*.example": { plainHttp: true } }), ["r.example http://r.example a"]);
  assertEquals(endpoints("localhost/a", { localhost: { plainHttp: false } }), ["localhost https://localhost a"]);
});

Deno.test("readEndpoints() puts mirrors first, with what stands before their repositories", () => {
  const registries = {
    "docker.io": { mirrors: ["m.example", "n.example:5000/proxy/hub"] },
    "n.example:5000": { plainHttp: true },
  };
  assertEquals(endpoints("docker.io/library/alpine:3", registries), [
    "m.example https://m.example library/alpine for docker.io",
    "n.example:5000 http://n.example:5000 proxy/hub/library/alpine for docker.io",
    "docker.io https://registry-1.docker.io library/alpine",
  ]);
});

Deno.test("originEndpoint() throws DENIED for what the config blocks, also all but some", () => {
  const denied = (address: string, registries: Readonly<Record<string, unknown>>): boolean => {
    const settings = readSettings(createTestHost({ registries }));
    try {
      originEndpoint(parseAddress(address, kit), settings, kit);
      return false;
    } catch (error) {
      return error instanceof EngineError && error.code === "DENIED" && error.hint !== undefined;
    }
  };
  assertEquals(denied("docker.io/a/b", { "docker.io": { blocked: true } }), true);
  const some = { "*": { blocked: true }, "r.example": {}, "*.good.example": {} };
  assertEquals(["alpine", "r.example/a", "x.good.example/a", "bad.example/a"].map((address) => denied(address, some)), [
    true,
    false,
    false,
    true,
  ]);
});

Deno.test("hostEndpoint() throws INVALID_ARGUMENT for what is no host", () => {
  const settings = readSettings(createTestHost());
  for (
    const host of ["", "a/b", "user:pass@r.example", "r.example:x", "r example", "r.example/?x", "https://r.example"]
  ) {
    assertEquals(assertThrows(() => hostEndpoint(host, settings, kit), EngineError).code, "INVALID_ARGUMENT", host);
  }
});
