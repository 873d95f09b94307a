import { assertEquals } from "@std/assert";
import { isPrivateHost, isWithin, readAddress } from "./address_range.ts";

function hostOf(url: string): string {
  return new URL(url).hostname;
}

Deno.test("isPrivateHost() knows private networks, this machine and what wraps them", () => {
  const hosts = [
    "10.1.2.3",
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "2130706433",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "[::1]",
    "[::]",
    "[fd00::1]",
    "[fe80::1]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::10.0.0.1]",
  ];
  assertEquals(hosts.filter((host) => !isPrivateHost(hostOf(`http://${host}/`))), []);
});

Deno.test("isPrivateHost() takes other addresses and names as public", () => {
  const hosts = [
    "8.8.8.8",
    "172.32.0.1",
    "172.15.0.1",
    "192.169.0.1",
    "100.128.0.1",
    "registry.example.com",
    "10.example.com",
    "[2001:db8::1]",
    "[::ffff:8.8.8.8]",
    "localhost.example.com",
  ];
  assertEquals(hosts.filter((host) => isPrivateHost(hostOf(`http://${host}/`))), []);
});

Deno.test("readAddress() reads both kinds and no names", () => {
  assertEquals(readAddress("1.2.3.4"), [1, 2, 3, 4]);
  assertEquals(readAddress("[1::2]"), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
  assertEquals(readAddress("::1")?.length, 16);
  assertEquals([readAddress("1.2.3.256"), readAddress("host"), readAddress("a::g")], [undefined, undefined, undefined]);
});

Deno.test("isWithin() compares the first bits", () => {
  assertEquals(isWithin([10, 1, 2, 3], [10, 1, 0, 0], 16), true);
  assertEquals(isWithin([10, 2, 2, 3], [10, 1, 0, 0], 15), false);
  assertEquals(isWithin([10, 1, 2, 3], [10, 0, 0, 0], 15), true);
  assertEquals(isWithin([1, 2, 3, 4], [9, 9, 9, 9], 0), true);
  assertEquals(isWithin([1, 2, 3, 4], [1, 2, 3, 4], 33), false);
  assertEquals(isWithin([1, 2, 3, 4], new Array(16).fill(0), 0), false);
});
