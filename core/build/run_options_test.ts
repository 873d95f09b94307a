import { assertEquals } from "@std/assert";
import { commandSettings } from "./run_options.ts";

Deno.test("commandSettings() gives nothing when the options change nothing that commands see", () => {
  assertEquals(commandSettings({}), undefined);
  const unseen = { runtime: "runc", network: "host", dns: ["10.0.0.1"], memoryBytes: 1, cpus: 1, secrets: {} } as const;
  assertEquals(commandSettings(unseen), undefined);
});

Deno.test("commandSettings() gives what commands see, hosts by their names alone", () => {
  const hosts = [{ name: "b", address: "10.0.0.1" }, { name: "a", address: "10.0.0.2" }];
  const ulimits = [{ name: "nofile", soft: 1, hard: -1 }];
  assertEquals(commandSettings({ network: "none", hosts, ulimits, shmBytes: 5 }), {
    network: "none",
    hosts: ["a", "b"],
    ulimits: [["nofile", 1, -1]],
    shmBytes: 5,
  });
});
