import { join } from "@std/path";
import { startRegistry } from "../helpers/registry_process.ts";
import { startServe } from "../helpers/serve.ts";
import type { BenchResult } from "./main.ts";
import { type Contender, measure } from "./measure.ts";
import { has, prepare } from "./place.ts";

/** Clients that ask at once. */
const clients = 64;
/** Bytes of a blob: `--blob-mb=N` says millions of it. */
const blobMb = Number(Deno.args.find((arg) => arg.startsWith("--blob-mb="))?.slice(10) ?? 64);

/** A registry that listens. */
interface Registry {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** Arguments of curl that let it in. */
  readonly login: string;
  /** Makes it forget what was sent to it. */
  forget(): Promise<void>;
}

/**
 * Blobs of `/v2/` that 64 clients, each a curl, fetch and send at once, beside Debian's docker-registry. The peak is that of the server, which
 * stays below 300 MB however large the blobs are.
 */
export async function* serve(runs: number): AsyncGenerator<BenchResult> {
  if (!has("docker-registry") || !has("curl")) return;
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "strata-bench-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const digests = await writeBlobs(folder);
  const registries = [await openStrata(stack, folder), await openDockerRegistry(stack)];
  const first = digests[0] ?? "";
  for (const registry of registries) await prepare(["sh", "-c", upload(registry, folder, [first])]);
  yield {
    title: `${clients} clients fetch a blob of ${blobMb} MB at once`,
    measurements: await measure(
      registries.map((registry): Contender => {
        const { name, pid, url, login } = registry;
        const get = `curl -sf ${login} -o /dev/null ${url}/v2/bench/blobs/${first}`;
        return { name, pid, command: ["sh", "-c", `seq ${clients} | xargs -P ${clients} -I{} ${get}`] };
      }),
      runs,
    ),
  };
  yield {
    title: `${clients} clients send a blob of ${blobMb} MB each at once`,
    measurements: await measure(
      registries.map((registry): Contender => ({
        name: registry.name,
        pid: registry.pid,
        prepare: async () => {
          await registry.forget();
          await prepare(["sync"]);
        },
        command: ["sh", "-c", upload(registry, folder, digests)],
      })),
      Math.min(runs, 3),
    ),
  };
}

/** Sends the files at once: a POST for the place, then a PUT of all bytes. */
function upload({ url, login }: Registry, folder: string, digests: readonly string[]): string {
  const uploads = `${url}/v2/bench/blobs/uploads/`;
  const send = `l=$(curl -sf ${login} -D - -o /dev/null -X POST ${uploads} | tr -d "\\r" | sed -n "s/^[Ll]ocation: //p")
    case "$l" in /*) l="${url}$l?" ;; *) l="$l&" ;; esac
    curl -sf ${login} -o /dev/null -H "Content-Type: application/octet-stream" -T "${folder}/$1" "$l""digest=$1"`;
  return `printf '%s\\n' ${digests.join(" ")} | xargs -P ${clients} -I{} sh -ec '${send}' send {}`;
}

/** Writes files of random bytes that are named by their digests. */
async function writeBlobs(folder: string): Promise<readonly string[]> {
  const digests: string[] = [];
  for (let at = 0; at < clients; at++) {
    const path = join(folder, "blob");
    await prepare(["sh", "-c", `head -c ${blobMb * 1_000_000} /dev/urandom > ${path}`]);
    const { stdout } = await new Deno.Command("sha256sum", { args: [path] }).output();
    const digest = `sha256:${new TextDecoder().decode(stdout).slice(0, 64)}`;
    await Deno.rename(path, join(folder, digest));
    digests.push(digest);
  }
  return digests;
}

async function openStrata(stack: AsyncDisposableStack, folder: string): Promise<Registry> {
  const root = join(folder, "root");
  const server = stack.use(await startServe({ root }));
  return {
    name: "strata serve",
    url: server.url,
    pid: server.process.pid,
    login: `-H "Authorization: Bearer ${server.token}"`,
    async forget(): Promise<void> {
      for (const { name } of Deno.readDirSync(join(root, "blobs/sha256"))) {
        const answer = await server.fetch(`/v2/bench/blobs/sha256:${name}`, { method: "DELETE" });
        await answer.body?.cancel();
      }
    },
  };
}

async function openDockerRegistry(stack: AsyncDisposableStack): Promise<Registry> {
  const registry = stack.use(await startRegistry());
  return {
    name: "docker-registry",
    url: `http://${registry.host}`,
    pid: registry.pid,
    login: "",
    async forget(): Promise<void> {
      await Deno.remove(join(registry.storage, "docker"), { recursive: true });
    },
  };
}
