import { assert, assertEquals } from "@std/assert";
import { probeHost } from "./probe.ts";

Deno.test("probeHost() tells what the host offers when nothing is in the way", async () => {
  const facts = await probeHost({ signal: new AbortController().signal });
  assertEquals(facts.os, Deno.build.os);
  assertEquals(facts.architecture, Deno.build.arch);
  assert(facts.kernel !== "" && facts.processors > 0 && facts.memoryBytes > 0);
  assert(["libc", "portable"].includes(facts.fileSystem));
  assert(["crun", "runc", "chroot", null].includes(facts.runtime));
  assertEquals(facts.interpreters, [...facts.interpreters].sort());
  for (const version of Object.values(facts.programs)) assert(!version.includes("\n"));
});
