import { assertEquals, assertRejects } from "@std/assert";
import { putImage } from "../../tests/helpers/image_fixture.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { EngineError } from "../errors.ts";
import { type ImageRow, listImages, type ListInput } from "./list.ts";

const call = testCall();

function shown(rows: readonly ImageRow[]): readonly string[] {
  return rows.map(({ repository = "<none>", tag = "<none>" }) => `${repository}:${tag}`);
}

Deno.test("listImages() gives one row per tag, newest first, when images have names", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1" }], names: ["old:v1"], created: "2020-01-01T00:00:00Z" }, call);
  const { id } = await putImage(engine.store, {
    layers: [{ a: "2" }],
    names: ["new:v2", "quay.io/team/new:v1", "new:v1"],
    created: "2023-01-01T00:00:00Z",
  }, call);
  const { rows, hidden } = await listImages(engine, {}, call);
  assertEquals(shown(rows), ["new:v1", "new:v2", "quay.io/team/new:v1", "old:v1"]);
  assertEquals(rows.slice(0, 3).map((row) => row.id), [id, id, id]);
  assertEquals(hidden, 0);
});

Deno.test("listImages() hides and counts images without a tag when neither all nor dangling is asked", async () => {
  await using engine = await createTempEngine();
  const digest = `sha256:${"ab".repeat(32)}`;
  await putImage(engine.store, { layers: [{ a: "1" }] }, call);
  await putImage(engine.store, { layers: [{ a: "2" }], names: [`app@${digest}`] }, call);
  await putImage(engine.store, { layers: [{ a: "3" }], names: ["app:v1"] }, call);
  const view = async (input: ListInput): Promise<[readonly string[], number]> => {
    const { rows, hidden } = await listImages(engine, input, call);
    return [shown(rows), hidden];
  };
  assertEquals(await view({}), [["app:v1"], 2]);
  assertEquals(await view({ all: true }), [["app:v1", "app:<none>", "<none>:<none>"], 0]);
  assertEquals(await view({ filters: ["dangling=true"] }), [["<none>:<none>"], 0]);
  assertEquals(await view({ filters: ["dangling=false"] }), [["app:v1"], 1]);
});

Deno.test("listImages() keeps what every filter lets through when filters are given", async () => {
  await using engine = await createTempEngine();
  const put = (name: string, created: string, Labels: Record<string, string>): Promise<unknown> =>
    putImage(engine.store, { layers: [{ a: name }], names: [name], created, exec: { Labels } }, call);
  await put("app:v1", "2021-01-01T00:00:00Z", { tier: "web" });
  await put("app:v2", "2022-01-01T00:00:00Z", { tier: "web", stage: "test" });
  await put("quay.io/team/tool:v1", "2023-01-01T00:00:00Z", { tier: "db" });
  const view = async (...filters: string[]): Promise<readonly string[]> =>
    shown((await listImages(engine, { filters }, call)).rows);
  assertEquals(await view("label=tier=web"), ["app:v2", "app:v1"]);
  assertEquals(await view("label=tier=web", "label=stage"), ["app:v2"]);
  assertEquals(await view("label!=stage"), ["quay.io/team/tool:v1", "app:v1"]);
  assertEquals(await view("before=app:v2"), ["app:v1"]);
  assertEquals(await view("since=app:v1"), ["quay.io/team/tool:v1", "app:v2"]);
  assertEquals(await view("until=2022-06-01"), ["app:v2", "app:v1"]);
  assertEquals(await view("until=10000h"), ["app:v2", "app:v1"]);
  assertEquals(await view("reference=app", "reference=*/*/tool"), ["quay.io/team/tool:v1", "app:v2", "app:v1"]);
  assertEquals(await view("reference=*:v1"), ["app:v1"]);
  assertEquals(await view("reference=app:v2", "label=stage=prod"), []);
});

Deno.test("listImages() rejects INVALID_ARGUMENT when a filter is unknown or malformed", async () => {
  await using engine = await createTempEngine();
  for (const filter of ["size=1", "label", "label=", "dangling=maybe", "until=soon", "reference=["]) {
    await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1"] }, call);
    const error = await assertRejects(() => listImages(engine, { filters: [filter] }, call), EngineError);
    assertEquals([filter, error.code], [filter, "INVALID_ARGUMENT"]);
  }
});
