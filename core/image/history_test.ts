import { assertEquals } from "@std/assert";
import { putImage } from "../../tests/helpers/image_fixture.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { imageHistory } from "./history.ts";

const call = testCall();

Deno.test("imageHistory() gives steps newest first with the sizes of their layers", async () => {
  await using engine = await createTempEngine();
  const history = [
    { created: "2024-01-01T00:00:00Z", created_by: "COPY a /" },
    { created: "2024-01-02T00:00:00Z", created_by: "ENV A=1", empty_layer: true, comment: "note" },
    { created_by: "COPY b /" },
  ];
  const image = { layers: [{ a: "1" }, { b: "2".repeat(5000) }], names: ["app:v1"], history };
  const { id } = await putImage(engine.store, image, call);
  const { rows } = await imageHistory(engine, { image: "app:v1" }, call);
  assertEquals(
    rows.map(({ id, createdBy, size, comment, empty, tags }) => ({ id, createdBy, size, comment, empty, tags })),
    [
      { id, createdBy: "COPY b /", size: 5000, comment: "", empty: false, tags: ["app:v1"] },
      { id: undefined, createdBy: "ENV A=1", size: 0, comment: "note", empty: true, tags: [] },
      { id: undefined, createdBy: "COPY a /", size: 1, comment: "", empty: false, tags: [] },
    ],
  );
  assertEquals(rows.map(({ created }) => created?.toISOString()), [
    undefined,
    "2024-01-02T00:00:00.000Z",
    "2024-01-01T00:00:00.000Z",
  ]);
});

Deno.test("imageHistory() gives the bytes of files and a row per layer when layers are compressed and history is missing", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1" }, { b: "22" }], names: ["gz"], gzip: true, history: [] }, call);
  const { rows } = await imageHistory(engine, { image: "gz" }, call);
  assertEquals(rows.map(({ size }) => size), [2, 1]);
});
