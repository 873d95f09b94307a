import { assert, assertEquals, assertRejects } from "@std/assert";
import { putImage } from "../../tests/helpers/image_fixture.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { EngineError } from "../errors.ts";
import { aliasOf } from "./alias.ts";
import { findImage, resolveAmong, resolveImage } from "./resolve_image.ts";
import type { StoredImage } from "./stored_image.ts";

const call = testCall();

Deno.test("resolveImage() finds an image when the text is a name, an ID, the start of one, a digest or an alias", async () => {
  await using engine = await createTempEngine();
  const { id, descriptor } = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1"] }, call);
  const found = async (text: string): Promise<readonly [string, string | undefined]> => {
    const image = await resolveImage(engine, text, call);
    return [image.id, image.matched];
  };
  const hex = id.slice("sha256:".length);
  for (const text of [id, hex, hex.slice(0, 12), hex.slice(0, 1), id.slice(0, 10), descriptor.digest, aliasOf(id)]) {
    assertEquals(await found(text), [id, undefined]);
  }
  const name = "docker.io/library/app:v1";
  for (
    const text of [
      "app:v1",
      "docker.io/app:v1",
      "library/app:v1",
      `app@${descriptor.digest}`,
      `app:v9@${descriptor.digest}`,
    ]
  ) {
    assertEquals(await found(text), [id, name]);
  }
});

Deno.test("resolveImage() rejects NOT_FOUND when nothing answers", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1"] }, call);
  for (
    const text of [
      "app",
      "other:v1",
      "",
      "UPPER",
      "sha256:",
      `app@sha256:${"0".repeat(64)}`,
      "no such",
      "a".repeat(5000),
    ]
  ) {
    const error = await assertRejects(() => resolveImage(engine, text, call), EngineError);
    assertEquals([text.slice(0, 20), error.code], [text.slice(0, 20), "NOT_FOUND"]);
    assertEquals(await findImage(engine, text, call), undefined);
  }
});

Deno.test("resolveAmong() throws CONFLICT with candidates when several IDs start alike", () => {
  const image = (hex: string, names: readonly string[] = []): StoredImage => ({
    id: `sha256:${hex.padEnd(64, "0")}`,
    created: undefined,
    size: 0,
    platform: "",
    descriptor: { mediaType: "x", digest: `sha256:${hex.padEnd(64, "f")}`, size: 1 },
    names,
    targets: new Map(),
    taggedAt: undefined,
  });
  const images = [image("abc1"), image("abc2", ["docker.io/library/app:v1"]), image("abd")];
  assertEquals(resolveAmong(images, "abd").id, images[2]?.id);
  try {
    resolveAmong(images, "abc");
  } catch (error) {
    assert(error instanceof EngineError);
    assertEquals(error.code, "CONFLICT");
    assertEquals(error.detail.candidates, [images[0]?.id, images[1]?.id]);
    return;
  }
  throw new Error("nothing was thrown");
});

Deno.test("resolveImage() takes the name when a name looks like an ID", async () => {
  await using engine = await createTempEngine();
  const first = await putImage(engine.store, { layers: [{ a: "1" }] }, call);
  const start = first.id.slice("sha256:".length, "sha256:".length + 6);
  const second = await putImage(engine.store, { layers: [{ a: "2" }], names: [start] }, call);
  assertEquals((await resolveImage(engine, start, call)).id, second.id);
  assertEquals((await resolveImage(engine, `sha256:${start}`, call)).id, first.id);
});

Deno.test("resolveImage() gives each name its own manifest when two manifests have one config", async () => {
  await using engine = await createTempEngine();
  const plain = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:plain"] }, call);
  const squeezed = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:gz"], gzip: true }, call);
  assertEquals(plain.id, squeezed.id);
  const digest = async (text: string): Promise<string> => (await resolveImage(engine, text, call)).descriptor.digest;
  assertEquals([await digest("app:plain"), await digest("app:gz"), await digest(plain.descriptor.digest)], [
    plain.descriptor.digest,
    squeezed.descriptor.digest,
    plain.descriptor.digest,
  ]);
});
