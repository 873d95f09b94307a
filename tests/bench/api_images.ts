import { join } from "@std/path";
import { startServe } from "../helpers/serve.ts";
import type { BenchResult } from "./main.ts";
import { type Contender, measure } from "./measure.ts";
import { has, prepare } from "./place.ts";

/** Requests of one run, one after another on one connection. */
const requests = 2000;

/** `GET /v1/images` with 1,000 images beside a route of Hono that gives nothing, with curl. */
export async function* apiImages(runs: number): AsyncGenerator<BenchResult> {
  if (!has("curl")) return;
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "strata-bench-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const root = join(folder, "root");
  const config = `--config=${new URL("../../deno.json", import.meta.url).pathname}`;
  const script = new URL("./make_images.ts", import.meta.url).pathname;
  await prepare([Deno.execPath(), "run", "-A", "--quiet", config, script, root, "1000"]);
  const server = stack.use(await startServe({ root }));
  const empty = stack.use(await startEmpty(config));
  const login = ["-H", `Authorization: Bearer ${server.token}`];
  const contender = async (name: string, url: string, more: readonly string[] = []): Promise<Contender> => {
    const list = join(folder, `urls-${name.replaceAll(/\W/g, "")}`);
    await Deno.writeTextFile(list, `url = "${url}"\noutput = "/dev/null"\n`.repeat(requests));
    return { name, command: ["curl", "-sf", ...more, "-K", list] };
  };
  yield {
    title: `${requests} × GET /v1/images with 1,000 images`,
    measurements: await measure([
      await contender("empty route of Hono", empty.url),
      await contender("GET /v1/images (100 of them)", `${server.url}/v1/images`, login),
      await contender("GET /v1/images?limit=1000 (all)", `${server.url}/v1/images?limit=1000`, login),
    ], runs),
  };
}

/** A server of its own process whose one route gives nothing. */
async function startEmpty(config: string): Promise<AsyncDisposable & { readonly url: string }> {
  const script = new URL("./empty_route.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", config, script],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader.read();
  return {
    url: value.trim(),
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGKILL");
      await reader.cancel();
      await child.status;
    },
  };
}
