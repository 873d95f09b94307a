import { assertEquals, assertLess } from "@std/assert";
import { testStore } from "../../tests/conformance/store.ts";
import { makePlace } from "../../tests/helpers/local_place.ts";

testStore("local store", makePlace);

const MIB = 1024 * 1024;

const worker = new URL("../../tests/helpers/store_worker.ts", import.meta.url).pathname;
const config = new URL("../../deno.json", import.meta.url).pathname;

Deno.test("local store takes no more memory when a blob is large", async () => {
  await using place = await makePlace();
  await place.open().then((store) => store[Symbol.asyncDispose]());
  // In a process of its own: memory is counted for a whole process, and other tests run beside this one.
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", `--config=${config}`, worker, "large", place.root],
  }).output();
  assertEquals(output.code, 0, new TextDecoder().decode(output.stderr));
  assertLess(Number(new TextDecoder().decode(output.stdout)), 200 * MIB);
});
