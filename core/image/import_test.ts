import { assertEquals, assertObjectMatch, assertRejects } from "@std/assert";
import { gzip, rawTar } from "../../tests/helpers/raw_tar.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { EngineError } from "../errors.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { imageHistory } from "./history.ts";
import { importImage } from "./import.ts";
import { inspectImages } from "./inspect.ts";
import { imageTree } from "./tree.ts";

const call = testCall();
const tar = rawTar([{ name: "etc/", type: "5" }, { name: "etc/motd", text: "hello" }]);

Deno.test("importImage() takes the platform of the config when none is given", async () => {
  await using engine = await createTempEngine({ config: { platform: "linux/riscv64" } });
  await importImage(engine, { content: streamOf(tar), reference: "a" }, call);
  await importImage(engine, {
    content: streamOf(tar),
    reference: "b",
    platform: { os: "linux", architecture: "s390x" },
  }, call);
  const { images } = await inspectImages(engine, { images: ["a", "b"] }, call);
  assertEquals(images.map(({ Architecture }) => Architecture), ["riscv64", "s390x"]);
});

Deno.test("importImage() makes an image of one layer with the changes applied", async () => {
  await using engine = await createTempEngine();
  const changes = [
    'CMD ["sh", "-c", "echo hi"]',
    "ENV A=1 B=$A",
    "EXPOSE 80",
    "LABEL x=y",
    "USER 1000",
    "VOLUME /data",
    "WORKDIR /srv",
    "STOPSIGNAL SIGINT",
    'ENTRYPOINT ["/init"]',
  ];
  const input = { content: streamOf(tar), reference: "imported:v1", changes, message: "from a tar" };
  const { id, name, replaced } = await importImage(engine, input, call);
  assertEquals([name, replaced], ["imported:v1", undefined]);
  const { images } = await inspectImages(engine, { images: ["imported:v1"] }, call);
  assertObjectMatch(images[0] ?? {}, {
    Id: id,
    Created: "2024-01-02T03:04:05.000Z",
    Comment: "from a tar",
    Config: {
      Cmd: ["sh", "-c", "echo hi"],
      Entrypoint: ["/init"],
      ExposedPorts: { "80/tcp": {} },
      Labels: { x: "y" },
      User: "1000",
      Volumes: { "/data": {} },
      WorkingDir: "/srv",
      StopSignal: "SIGINT",
    },
  });
  const tree = await imageTree(engine, { image: id }, call);
  assertEquals(tree.layers[0]?.files.map(({ path }) => path), ["/etc", "/etc/motd"]);
  assertEquals((await imageHistory(engine, { image: id }, call)).rows.length, 1);
});

Deno.test("importImage() stores the same layer when the tar is compressed", async () => {
  await using engine = await createTempEngine({ config: { sourceDateEpoch: 1000 } });
  const plain = await importImage(engine, { content: streamOf(tar) }, call);
  const squeezed = await importImage(engine, { content: streamOf(await gzip(tar)) }, call);
  assertEquals([squeezed.id, plain.name], [plain.id, undefined]);
});

Deno.test("importImage() rejects what is no tar, no allowed change or no name", async () => {
  await using engine = await createTempEngine();
  const code = async (
    input: { bytes?: Uint8Array<ArrayBuffer>; changes?: string[]; reference?: string },
  ): Promise<string> => {
    const { bytes = tar, ...rest } = input;
    return (await assertRejects(() => importImage(engine, { content: streamOf(bytes), ...rest }, call), EngineError))
      .code;
  };
  assertEquals(await code({ bytes: new Uint8Array() }), "INVALID_ARGUMENT");
  assertEquals(await code({ bytes: new TextEncoder().encode("no tar at all".repeat(100)) }), "INVALID_ARGUMENT");
  for (const change of ["RUN true", "COPY a b", "FROM x", "", "CMD x\nRUN y", "CMD x \\\n y\nADD a b"]) {
    assertEquals(await code({ changes: [change] }), "INVALID_ARGUMENT");
  }
  assertEquals(await code({ changes: ["EXPOSE nonsense"] }), "PARSE_FAILED");
  assertEquals(await code({ reference: "UPPER" }), "INVALID_ARGUMENT");
  assertEquals(await Array.fromAsync(engine.store.names("image/", call)), []);
});
