import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import { createKit } from "../../core/kit.ts";
import { collect } from "../../core/stream/collect.ts";
import { isMissing, peers } from "../../tests/helpers/require.ts";
import { openTarFiles } from "./tar_files.ts";
import { readHeader, writeHeader } from "./tar_header.ts";

const kit = createKit();
const call = { signal: new AbortController().signal, emit: (): void => {} };

Deno.test("writeHeader() and readHeader() agree also when a size needs base 256", () => {
  for (const size of [0, 1, 8 ** 11 - 1, 8 ** 11, 2 ** 52]) {
    assertEquals(readHeader(writeHeader("blobs/x", size), kit), { name: "blobs/x", type: "0", size, link: "" });
  }
  assertEquals(readHeader(writeHeader("blobs/", 0), kit)?.type, "5");
  assertEquals(readHeader(new Uint8Array(512), kit), undefined);
});

for (const format of ["gnu", "posix", "ustar"]) {
  const ignore = isMissing(peers.tar);
  Deno.test({ name: `openTarFiles() finds files by path when GNU tar wrote them as ${format}`, ignore }, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const long = `${"d".repeat(60)}/${"e".repeat(60)}`;
      await Deno.mkdir(`${folder}/in/${long}`, { recursive: true });
      await Deno.writeTextFile(`${folder}/in/${long}/layer.tar`, "long");
      await Deno.writeTextFile(`${folder}/in/short`, "short");
      if (format !== "ustar") await Deno.symlink(`${long}/layer.tar`, `${folder}/in/link`);
      await Deno.link(`${folder}/in/short`, `${folder}/in/zhard`);
      const args = [`--format=${format}`, "-C", `${folder}/in`, "-cf", `${folder}/x.tar`, "."];
      assertEquals((await new Deno.Command("tar", { args }).output()).code, 0);
      await using files = await openTarFiles({ path: `${folder}/x.tar` }, kit, call);
      const text = async (path: string): Promise<string> =>
        new TextDecoder().decode(await collect(await files.open(path, call), 100));
      assertEquals(
        [await text("short"), await text("zhard"), await text(`${long}/layer.tar`), await files.size("none")],
        ["short", "short", "long", undefined],
      );
      if (format !== "ustar") assertEquals(await text("link"), "long");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("openTarFiles() rejects UNSUPPORTED for compressed files and INVALID_ARGUMENT for damaged headers", async () => {
  const path = await Deno.makeTempFile();
  try {
    const code = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => {
      await Deno.writeFile(path, bytes);
      return (await assertRejects(() => openTarFiles({ path }, kit, call), EngineError)).code;
    };
    for (const magic of [[0x1f, 0x8b], [0x42, 0x5a, 0x68], [0xfd, 0x37, 0x7a, 0x58, 0x5a], [0x28, 0xb5, 0x2f, 0xfd]]) {
      assertEquals(await code(new Uint8Array([...magic, ...new Array(1000).fill(1)])), "UNSUPPORTED");
    }
    const damaged = writeHeader("name", 10);
    damaged[0] = 1;
    assertEquals(await code(damaged), "INVALID_ARGUMENT");
    assertEquals(await code(writeHeader("name", 10)), "INVALID_ARGUMENT");
    const negative = writeHeader("name", 0);
    negative.fill(0xff, 124, 136);
    negative.set(new TextEncoder().encode("        "), 148);
    const sum = negative.reduce((total, byte) => total + byte, 0);
    negative.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
    assertEquals(await code(negative), "INVALID_ARGUMENT");
  } finally {
    await Deno.remove(path);
  }
});
