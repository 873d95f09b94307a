import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { createEngine } from "../engine.ts";
import { builtins } from "../../plugins/mod.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { importImage } from "./import.ts";
import { rememberLists } from "./remembered_list.ts";
import { tagImage } from "./tag.ts";
import { untagImages } from "./untag.ts";

const call = testCall();

Deno.test("rememberLists() gives the same list until a name changes, by this or another process", async () => {
  await using engine = await createTempEngine();
  await importImage(engine, { content: new Blob([new Uint8Array(1024)]).stream(), reference: "app" }, call);
  const lists = rememberLists(engine);
  const names = async (all = false): Promise<readonly (string | undefined)[]> =>
    (await lists.list({ all }, call)).rows.map(({ repository }) => repository);
  const first = await lists.list({}, call);
  assertStrictEquals(await lists.list({}, call), first);
  await tagImage(engine, { source: "app", target: "other" }, call);
  assert(await lists.list({}, call) !== first);
  assertEquals(await names(), ["app", "other"]);

  await using outside = await createEngine({ plugins: builtins, config: { root: engine.config.root } });
  await untagImages(outside, { images: ["app", "other"] }, call);
  assertEquals([await names(), await names(true)], [[], [undefined]]);
});

Deno.test("rememberLists() looks at every image again where there are filters", async () => {
  await using engine = await createTempEngine();
  await importImage(engine, { content: new Blob([new Uint8Array(1024)]).stream(), reference: "app" }, call);
  const lists = rememberLists(engine);
  await lists.list({}, call);
  assertEquals((await lists.list({ reference: "none" }, call)).rows, []);
  assertEquals((await lists.list({ filters: ["reference=app"] }, call)).rows.length, 1);
});
