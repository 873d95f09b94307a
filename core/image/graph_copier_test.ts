import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ByteStream, Call, EngineEvent } from "../contract/call.ts";
import type { ContentSource } from "../contract/content.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { stripStoreAnnotations } from "../store/names.ts";
import { streamFrom } from "../stream/byte_stream.ts";
import { putImage, putIndex } from "../../tests/helpers/image_fixture.ts";
import { createTempEngine, type TempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { createGraphCopier } from "./graph_copier.ts";

const call = testCall();

async function withImage(
  test: (from: TempEngine, to: TempEngine, root: Descriptor) => Promise<void>,
): Promise<void> {
  await using from = await createTempEngine();
  await using to = await createTempEngine();
  const layers = Array.from({ length: 6 }, (_, at) => ({ [`file${at}`]: `${at}`.repeat(1000) }));
  const { descriptor } = await putImage(from.store, { layers, names: ["app"] }, call);
  await test(from, to, stripStoreAnnotations(descriptor));
}

Deno.test("createGraphCopier() copies at most so many blobs at once, parents after children, each once", async () => {
  await withImage(async (from, to, root) => {
    let open = 0;
    let most = 0;
    const opened: string[] = [];
    const counting: ContentSource = {
      ...from.store,
      open: async (descriptor, inner) => {
        most = Math.max(most, ++open);
        opened.push(descriptor.digest);
        const bytes = new Uint8Array(await new Response(await from.store.open(descriptor, inner)).arrayBuffer());
        open--;
        return streamFrom([bytes].values());
      },
    };
    const landed: string[] = [];
    const sink = {
      ...to.store,
      put: async (...args: Parameters<typeof to.store.put>) => {
        await to.store.put(...args);
        landed.push(args[0].digest);
      },
    };
    const copier = createGraphCopier({ from: counting, to: sink, jobs: 3 }, call);
    await Promise.all([copier.copy(root), copier.copy(root)]);
    assert(most > 1 && most <= 3, `${most} at once`);
    // The manifest is opened to be read and to be copied.
    assertEquals(opened.length, 9);
    assertEquals([landed.length, landed.at(-1)], [8, root.digest]);
  });
});

Deno.test("createGraphCopier() cancels the rest when one blob fails, and rejects with that failure", async () => {
  await withImage(async (from, to, root) => {
    let count = 0;
    const { promise: never, reject } = Promise.withResolvers<ByteStream>();
    never.catch(() => {});
    const failing: ContentSource = {
      ...from.store,
      open: (descriptor, inner) => {
        if (descriptor.digest === root.digest) return from.store.open(descriptor, inner);
        inner.signal.addEventListener("abort", () => reject(new EngineError("CANCELED", "canceled")));
        return ++count < 3 ? never : Promise.reject(new EngineError("REMOTE_FAILED", "broken"));
      },
    };
    const copier = createGraphCopier({ from: failing, to: to.store, jobs: 4 }, call);
    const error = await assertRejects(() => copier.copy(root), EngineError, "broken");
    assertEquals([error.code, count <= 4], ["REMOTE_FAILED", true]);
    const later = await assertRejects(() => copier.copy({ ...root, digest: `sha256:${"0".repeat(64)}` }), EngineError);
    assertEquals(later.code, "REMOTE_FAILED");
  });
});

Deno.test("createGraphCopier() begins again where a connection broke, as long as bytes come", async () => {
  await using from = await createTempEngine();
  await using to = await createTempEngine();
  const size = 9 << 20;
  const bytes = new Uint8Array(size).map((_, at) => at % 251);
  const blob = await from.store.ingest(new Blob([bytes]).stream(), "application/octet-stream", call);
  const offsets: number[] = [];
  const breaking: ContentSource = {
    ...from.store,
    open: (_, __, offset = 0) => {
      offsets.push(offset);
      const rest = bytes.subarray(offset);
      return Promise.resolve(streamFrom(function* (): Generator<Uint8Array<ArrayBuffer>> {
        yield rest.slice(0, 4 << 20);
        if (rest.length > 4 << 20) throw new EngineError("NETWORK_FAILED", "cut");
      }()));
    },
  };
  await createGraphCopier({ from: breaking, to: to.store }, call).copy(blob);
  assertEquals(offsets, [0, 4 << 20, 8 << 20]);
  assert(await to.store.has(blob, call));
});

Deno.test("createGraphCopier() reports each blob as a step, and those that were there as cached", async () => {
  await withImage(async (from, to, root) => {
    const events: EngineEvent[] = [];
    const reporting: Call = { signal: call.signal, emit: (event) => events.push(event) };
    const ends = { from: from.store, to: to.store, jobs: 4, clock: () => new Date() };
    await createGraphCopier(ends, reporting).copy(root);
    await createGraphCopier(ends, reporting).copy(root);
    const outcomes = events.flatMap((event) => event.type === "step-ended" ? [event.outcome] : []);
    assertEquals(outcomes, [...Array(8).fill("done"), ...Array(8).fill("cached")]);
    const names = events.flatMap((event) => event.type === "step-started" ? [event.name.split(" ")[0]] : []);
    assertEquals(names.slice(0, 8).sort(), ["config", ...Array(6).fill("layer"), "manifest"]);
  });
});

Deno.test("createGraphCopier() passes over manifests that an index names and the source lacks, but not over all", async () => {
  await using from = await createTempEngine();
  await using to = await createTempEngine();
  const index = await putIndex(from.store, {
    images: [{ layers: [{ a: "1" }], platform: { os: "linux", architecture: "amd64" } }, {
      layers: [{ a: "2" }],
      platform: { os: "linux", architecture: "arm64" },
    }],
  }, call);
  const [first, second] = index.manifests;
  assert(first !== undefined && second !== undefined);
  await from.store.delete(second.digest, call);
  const root = stripStoreAnnotations(index.descriptor);
  await createGraphCopier({ from: from.store, to: to.store, jobs: 4 }, call).copy(root);
  assertEquals([await to.store.has(first, call), await to.store.has(root, call)], [true, true]);
  await from.store.delete(first.digest, call);
  await using empty = await createTempEngine();
  const copier = createGraphCopier({ from: from.store, to: empty.store, jobs: 4 }, call);
  assertEquals((await assertRejects(() => copier.copy(root), EngineError)).code, "NOT_FOUND");
});
