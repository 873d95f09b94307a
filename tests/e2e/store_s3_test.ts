/** The store plugin for S3 against a real server. */
import type { Store } from "../../core/contract/mod.ts";
import storeS3 from "../../examples/plugins/store_s3.ts";
import { testStore } from "../conformance/store.ts";
import { call } from "../conformance/store_tools.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { createTestHost } from "../helpers/test_host.ts";
import { type S3Server, startS3 } from "../helpers/s3_server.ts";

const ignore = isMissing(peers.versitygw);

async function openStore(server: S3Server, options: Readonly<Record<string, unknown>> = {}): Promise<Store> {
  for (const [name, value] of Object.entries(server.env)) Deno.env.set(name, value);
  const { endpoint, bucket } = server;
  const plugin = await storeS3({ ...createTestHost(), config: { endpoint, bucket, ...options } });
  const [hook] = plugin.store ?? [];
  if (hook === undefined) throw new TypeError("it has no store hook");
  return await hook.open("/", call);
}

testStore("s3 store", async () => {
  const server = await startS3();
  return { open: () => openStore(server), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}, (name, fn) => Deno.test({ name, ignore, fn }));
