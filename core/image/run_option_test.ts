import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import {
  parseBytes,
  parseCpuQuota,
  parseCpus,
  parseDnsOption,
  parseEntitlement,
  parseHostEntry,
  parseNameServer,
  parseNetwork,
  parseRuntime,
  parseSearchDomain,
  parseUlimit,
} from "./run_option.ts";

/** What a parser says to each value that it does not take. */
function refusals(parse: (text: string) => unknown, ...texts: string[]): string[] {
  return texts.map((text) => {
    const error = assertThrows(() => parse(text), EngineError);
    assertEquals([error.code, error.detail["value"]], ["INVALID_ARGUMENT", text]);
    return error.message;
  });
}

Deno.test("parseRuntime() takes a name or a path", () => {
  assertEquals(["crun", "chroot", "/usr/bin/runc", "./my runtime"].map(parseRuntime), [
    "crun",
    "chroot",
    "/usr/bin/runc",
    "./my runtime",
  ]);
  assertEquals(refusals(parseRuntime, "", "a b"), [
    'Cannot use --runtime "": expected crun, runc, chroot or the path of a runtime',
    'Cannot use --runtime "a b": expected crun, runc, chroot or the path of a runtime',
  ]);
});

Deno.test("parseNetwork() takes three words", () => {
  assertEquals(["default", "host", "none"].map(parseNetwork), ["default", "host", "none"]);
  assertEquals(refusals(parseNetwork, "bridge"), ['Cannot use --network "bridge": expected default, host or none']);
});

Deno.test("parseHostEntry() takes a name and an address with either separator", () => {
  assertEquals(
    ["db:10.0.0.1", "db=10.0.0.1", "db:::1", "db:[::1]", "db=fe80::1", "my_db.local:host-gateway"].map(parseHostEntry),
    [
      { name: "db", address: "10.0.0.1" },
      { name: "db", address: "10.0.0.1" },
      { name: "db", address: "::1" },
      { name: "db", address: "::1" },
      { name: "db", address: "fe80::1" },
      { name: "my_db.local", address: "host-gateway" },
    ],
  );
  const expected = "expected NAME:IP or NAME=IP, where IP may be host-gateway";
  assertEquals(refusals(parseHostEntry, "db", "db:", ":1.2.3.4", "a b:1.2.3.4", "db:1.2.3", "db:256.1.1.1", "db:x"), [
    `Cannot use --add-host "db": it has no address, ${expected}`,
    `Cannot use --add-host "db:": it has no address, ${expected}`,
    `Cannot use --add-host ":1.2.3.4": "" is no host name, ${expected}`,
    `Cannot use --add-host "a b:1.2.3.4": "a b" is no host name, ${expected}`,
    `Cannot use --add-host "db:1.2.3": "1.2.3" is no IP address, ${expected}`,
    `Cannot use --add-host "db:256.1.1.1": "256.1.1.1" is no IP address, ${expected}`,
    `Cannot use --add-host "db:x": "x" is no IP address, ${expected}`,
  ]);
  refusals(parseHostEntry, "db\n1.1.1.1 evil:1.2.3.4", "db:1.2.3.4\n1.1.1.1 evil", "db:01.2.3.4", "db:fe80::1%eth0");
});

Deno.test("parseNameServer(), parseSearchDomain() and parseDnsOption() take what resolv.conf does", () => {
  assertEquals(["1.1.1.1", "2606:4700::1111"].map(parseNameServer), ["1.1.1.1", "2606:4700::1111"]);
  assertEquals(refusals(parseNameServer, "dns.example"), ['Cannot use --dns "dns.example": expected an IP address']);
  assertEquals(["corp.example", "_srv.a-b.", "."].map(parseSearchDomain), ["corp.example", "_srv.a-b.", undefined]);
  assertEquals(
    refusals(parseSearchDomain, "a b")[0],
    'Cannot use --dns-search "a b": expected a domain, or . for none',
  );
  refusals(parseSearchDomain, "", "-a", "a\nnameserver 1.1.1.1", "a..b", "a.".repeat(70) + "-");
  assertEquals(["ndots:2", "use-vc"].map(parseDnsOption), ["ndots:2", "use-vc"]);
  assertEquals(refusals(parseDnsOption, "a b"), [
    'Cannot use --dns-option "a b": expected a resolver option such as ndots:2',
  ]);
});

Deno.test("parseUlimit() takes a name with one or two limits", () => {
  assertEquals(["nofile=1024", "nofile=1024:4096", "core=-1", "memlock=8:unlimited"].map(parseUlimit), [
    { name: "nofile", soft: 1024, hard: 1024 },
    { name: "nofile", soft: 1024, hard: 4096 },
    { name: "core", soft: -1, hard: -1 },
    { name: "memlock", soft: 8, hard: -1 },
  ]);
  const form = "expected NAME=SOFT[:HARD] such as nofile=1024:4096";
  assertEquals(refusals(parseUlimit, "nofile", "nofile=", "nofile=1:", "nofile=2:1", "nofile=-1:1", "nofile=1.5"), [
    `Cannot use --ulimit "nofile": ${form}`,
    `Cannot use --ulimit "nofile=": ${form}`,
    `Cannot use --ulimit "nofile=1:": ${form}`,
    'Cannot use --ulimit "nofile=2:1": its soft limit is above its hard one, expected SOFT to be at most HARD',
    'Cannot use --ulimit "nofile=-1:1": its soft limit is above its hard one, expected SOFT to be at most HARD',
    'Cannot use --ulimit "nofile=1.5": "1.5" is no limit, expected whole numbers, or -1 for no limit',
  ]);
  const [message] = refusals(parseUlimit, "files=1");
  assertEquals(
    message?.startsWith('Cannot use --ulimit "files=1": "files" is no limit, expected a NAME out of core,'),
    true,
  );
});

Deno.test("parseBytes() takes bytes and docker's units", () => {
  const parse = (text: string): number => parseBytes("memory", text, { bytes: 10, text: "10 bytes" });
  assertEquals(["512", "1k", "64m", "1.5g", "2GiB", "3 MB", "1t", "10b"].map(parse), [
    512,
    1024,
    64 * 2 ** 20,
    1.5 * 2 ** 30,
    2 ** 31,
    3 * 2 ** 20,
    2 ** 40,
    10,
  ]);
  assertEquals(refusals(parse, "9", "", "m", "-1", "1e3", "1x", "99999999p"), [
    'Cannot use --memory "9": it is too little, expected at least 10 bytes',
    ...["", "m", "-1", "1e3", "1x", "99999999p"].map((text) =>
      `Cannot use --memory "${text}": expected an amount such as 64m or 1.5g`
    ),
  ]);
});

Deno.test("parseCpus() and parseCpuQuota() give a number of processors", () => {
  assertEquals(["1", "0.5", ".25", "2."].map(parseCpus), [1, 0.5, 0.25, 2]);
  for (const message of refusals(parseCpus, "0", "0.001", "-1", "x", "1e3", "")) {
    assertEquals(message.endsWith(": expected a number of processors such as 1.5, at least 0.01"), true);
  }
  assertEquals([parseCpuQuota("50000"), parseCpuQuota("50000", "25000")], [0.5, 2]);
  assertEquals(refusals(parseCpuQuota, "999", "x"), [
    'Cannot use --cpu-quota "999": expected microseconds, from 1000 to 1000000000000',
    'Cannot use --cpu-quota "x": expected microseconds, from 1000 to 1000000000000',
  ]);
  assertEquals(refusals((text) => parseCpuQuota("50000", text), "1000001"), [
    'Cannot use --cpu-period "1000001": expected microseconds, from 1000 to 1000000',
  ]);
});

Deno.test("parseEntitlement() takes what can be allowed", () => {
  assertEquals(["network.host", "security.insecure"].map(parseEntitlement), ["network.host", "security.insecure"]);
  assertEquals(refusals(parseEntitlement, "device"), [
    'Cannot use --allow "device": expected network.host or security.insecure',
  ]);
});
