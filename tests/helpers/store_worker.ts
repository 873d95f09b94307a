/**
 * A process that works on a store until it is killed: `writer <root> <seed>` writes blobs and names them, `lease <root>`
 * takes a lease with a blob under it and waits, `collector <root>` collects again and again. Writes a line
 * after each step. `large <root>` writes a blob of 512 MiB and then the bytes by which its memory grew meanwhile.
 */
import { collectGarbage } from "../../core/store/collect.ts";
import { verifiedStore } from "../../core/store/verified.ts";
import type { Store } from "../../core/contract/mod.ts";
import { isEngineError } from "../../core/errors.ts";
import { call, chunked, describe, makeBytes, opener } from "../conformance/store_tools.ts";
import { openAt } from "./local_place.ts";

async function main(): Promise<void> {
  const [role, root = "", seed = "0", rounds = "1000000"] = Deno.args;
  await using store = verifiedStore(await openAt(root));
  if (role === "writer") await write(store, Number(seed), Number(rounds));
  else if (role === "lease") await hold(store);
  else if (role === "collector") await collectAgain(store, Number(rounds));
  else if (role === "large") await ingestLarge(store);
}

async function write(store: Store, seed: number, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await using _lease = await store.lease(call);
    const number = seed * 1_000_000 + round;
    const small = makeBytes(100 + round % 1000, number);
    const large = makeBytes(300_000 + round % 1000, number);
    const first = describe(small);
    await store.put(first, opener(small), call);
    report("put");
    const second = await store.ingest(chunked(large), "text/plain", call);
    report("ingested");
    // Half of the names go again at once, so that a collector always finds something.
    const changes = [{ name: `ref/${seed}/${round}/a`, descriptor: first }, {
      name: `ref/${seed}/${round}/b`,
      descriptor: second,
    }];
    await store.update(changes, call);
    if (round % 2 === 1) await store.update(changes.map(({ name }) => ({ name, descriptor: undefined })), call);
    report("named");
  }
}

async function ingestLarge(store: Store): Promise<void> {
  const megabyte = 1 << 20;
  const repeated = (count: number): ReadableStream<Uint8Array<ArrayBuffer>> => {
    let left = count;
    return new ReadableStream({
      pull(controller): void {
        if (left-- > 0) controller.enqueue(new Uint8Array(megabyte).fill(left % 251));
        else controller.close();
      },
    }, { highWaterMark: 0 });
  };
  await store.ingest(repeated(8), "text/plain", call);
  const before = Deno.memoryUsage().rss;
  await store.ingest(repeated(512), "text/plain", call);
  report(String(Deno.memoryUsage().rss - before));
}

async function hold(store: Store): Promise<void> {
  await store.lease(call);
  await store.ingest(chunked(makeBytes(1000, 77)), "text/plain", call);
  // A process that was started while the lease is held must not keep it alive.
  const child = new Deno.Command("sleep", { args: ["3"], stdin: "null", stdout: "null", stderr: "null" }).spawn();
  report("holding");
  await child.status;
}

async function collectAgain(store: Store, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    try {
      await collectGarbage(store, call);
    } catch (error) {
      if (!isEngineError(error) || error.code !== "CONFLICT") throw error;
    }
    report("collected");
  }
}

function report(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) await main();
