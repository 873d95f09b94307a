import { assertEquals } from "@std/assert";
import { assertCode, call } from "../../tests/conformance/store_tools.ts";
import { createTestHost } from "../../tests/helpers/test_host.ts";
import { narrowHost } from "./narrow_host.ts";

const login = { username: "u", secret: "s" };
const proxy = { https: "http://user:password@proxy:3128", none: ["a"] };
const host = createTestHost({}, { credential: () => Promise.resolve(login), proxy });

Deno.test("narrowHost() gives logins of the hosts that may be reached, and of no others", async () => {
  const narrow = narrowHost(host, "p", { net: ["example.com", "Registry.io:5000", "[::1]:80"] });
  for (const place of ["example.com", "example.com/team/app", "example.com:8443", "registry.io:5000/a", "[::1]"]) {
    assertEquals(await narrow.credential(place, call), login);
  }
  for (
    const place of [
      "docker.io",
      "example.com.evil",
      "evil.example.com",
      "registry.io:443",
      "",
      "example.org/example.com",
    ]
  ) {
    await assertCode("DENIED", () => narrow.credential(place, call));
  }
  assertEquals(await narrowHost(host, "p", { net: true }).credential("any.host", call), login);
});

Deno.test("narrowHost() gives nothing of it to a plugin that may reach nobody", async () => {
  for (const permissions of [{}, { net: false }, { net: [] }, { read: true }]) {
    const narrow = narrowHost(host, "p", permissions);
    assertEquals(narrow.proxy, { none: [] });
    await assertCode("DENIED", () => narrow.credential("docker.io", call));
  }
  assertEquals(narrowHost(host, "p", { net: ["a"] }).proxy, proxy);
});
