import { assertEquals } from "@std/assert";
import { parseText, refusal } from "../../tests/helpers/graph_case.ts";

Deno.test("EXPOSE takes the edges of the range of ports", async () => {
  const { graph } = await parseText("FROM scratch\nEXPOSE 0 65535/udp 5-5/sctp 80/\n");
  assertEquals(Object.keys(graph.config.ExposedPorts ?? {}), ["0/tcp", "5/sctp", "65535/udp", "80/tcp"]);
});

Deno.test("EXPOSE takes a whole range of ports in one step", async () => {
  const { graph } = await parseText("FROM scratch\nEXPOSE 0-65535\n");
  assertEquals(Object.keys(graph.config.ExposedPorts ?? {}).length, 65536);
});

Deno.test("EXPOSE refuses what is no port", async () => {
  const ports = [
    "65536",
    "-1",
    "a",
    "1-",
    "-",
    "80/tcp/x",
    "/tcp",
    "1.5",
    "0x50",
    "1e3",
    "80:",
    "x:80",
    "999.1.1.1:1:1",
    "[zz]:1:1",
  ];
  for (const port of ports) {
    assertEquals((await refusal(`FROM scratch\nEXPOSE ${port}\n`)).slice(0, 14), "PARSE_FAILED 2", port);
  }
});

Deno.test("EXPOSE drops addresses and host ports when they are given", async () => {
  const { graph } = await parseText("FROM scratch\nEXPOSE 127.0.0.1::80 [fe80::1]:1-2:3 ::1:9:10/udp\n");
  assertEquals(Object.keys(graph.config.ExposedPorts ?? {}).sort(), ["10/udp", "3/tcp", "80/tcp"]);
});
