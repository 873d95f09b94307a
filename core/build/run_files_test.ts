import { assertEquals } from "@std/assert";
import { hostsFile, resolverFile } from "./run_files.ts";

Deno.test("hostsFile() names the host itself and what the options add, the gateway as the host", () => {
  const text = hostsFile("strata", [
    { name: "db", address: "10.0.0.5" },
    { name: "v6", address: "fd00::1" },
    { name: "outside", address: "host-gateway" },
  ]);
  const lines = text.trimEnd().split("\n");
  assertEquals(lines[0], "127.0.0.1\tlocalhost strata");
  assertEquals(lines[1], "::1\tlocalhost ip6-localhost ip6-loopback");
  assertEquals(lines.slice(-3), ["10.0.0.5\tdb", "fd00::1\tv6", "127.0.0.1\toutside"]);
});

const host = "# made by something\nnameserver 10.0.0.1\nsearch example.org\n\noptions ndots:2\ndomain old\n";

Deno.test("resolverFile() gives the host's file as it is without options", () => {
  assertEquals(resolverFile(host, {}), host);
  assertEquals(resolverFile("", {}), "");
});

Deno.test("resolverFile() replaces what the options say and keeps the rest", () => {
  assertEquals(
    resolverFile(host, { dns: ["1.1.1.1", "9.9.9.9"] }),
    "# made by something\nsearch example.org\noptions ndots:2\ndomain old\nnameserver 1.1.1.1\nnameserver 9.9.9.9\n",
  );
  assertEquals(
    resolverFile(host, { dnsSearch: ["a.test", "b.test"], dnsOptions: ["rotate", "edns0"] }),
    "# made by something\nnameserver 10.0.0.1\nsearch a.test b.test\noptions rotate edns0\n",
  );
  assertEquals(resolverFile("nameserver 10.0.0.1\nsearch a\n", { dnsSearch: [] }), "nameserver 10.0.0.1\n");
});
