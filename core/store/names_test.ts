import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { parseReference } from "../oci/reference.ts";
import {
  imageIdName,
  imageName,
  layerName,
  parseImageIdName,
  parseImageName,
  parseLayerName,
  readCacheRecord,
  stripStoreAnnotations,
  writeCacheRecord,
} from "./names.ts";

const digest = `sha256:${"a".repeat(64)}` as const;
const layer = { mediaType: "application/octet-stream", digest, size: 5 };

Deno.test("imageName() gives the canonical name when the reference has a tag, a digest or both", () => {
  assertEquals(imageName(parseReference("app")), "ref/docker.io/library/app:latest");
  assertEquals(imageName(parseReference("h:5000/a/b:v1")), "ref/h:5000/a/b:v1");
  assertEquals(imageName(parseReference(`h:5000/a@${digest}`)), `ref/h:5000/a@${digest}`);
  assertEquals(imageName({ host: "h", repository: "a", tag: "v1", digest }), "ref/h/a:v1");
  assertThrows(() => imageName({ host: "h", repository: "a" }), EngineError);
});

Deno.test("parseImageName() gives back what imageName() was given", () => {
  for (const text of ["app", "localhost/app:v1", `example.com:5000/x/y@${digest}`]) {
    const reference = parseReference(text);
    assertEquals(parseImageName(imageName(reference)), reference);
  }
  assertEquals(parseImageName("image/app"), undefined);
});

Deno.test("parseImageIdName() and parseLayerName() give digests and nothing else", () => {
  assertEquals(parseImageIdName(imageIdName(digest)), digest);
  assertEquals(parseLayerName(layerName(digest)), digest);
  assertEquals(parseImageIdName(layerName(digest)), undefined);
  assertEquals(parseLayerName("layer/../../x"), undefined);
});

Deno.test("readCacheRecord() gives back what writeCacheRecord() was given", () => {
  const record = { layer, diffId: digest, created: "2024-01-01T00:00:00Z", instruction: "COPY a b" };
  assertEquals(readCacheRecord(writeCacheRecord(record)), record);
  assertEquals(readCacheRecord(layer), undefined);
  assertEquals(readCacheRecord({ ...layer, annotations: { "strata.diffid": "x", "strata.created": "y" } }), undefined);
});

Deno.test("stripStoreAnnotations() drops the store's own and keeps the others", () => {
  assertEquals(stripStoreAnnotations(layer), layer);
  assertEquals(stripStoreAnnotations({ ...layer, annotations: { "strata.image.id": "x" } }), layer);
  const mixed = { ...layer, annotations: { "strata.image.id": "x", other: "y" } };
  assertEquals(stripStoreAnnotations(mixed), { ...layer, annotations: { other: "y" } });
});
