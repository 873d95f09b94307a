import { createKit } from "../../core/kit.ts";
import { openTarFiles } from "../../plugins/transport_archive/tar_files.ts";
import { quietCall } from "./registry_fixture.ts";

/** A Docker Engine in this process that keeps archives as they are, on a socket of its own. */
export interface FakeEngine extends AsyncDisposable {
  /** Its address, as `DOCKER_HOST` has it. */
  readonly host: string;
  /** Names of the images it has. */
  names(): readonly string[];
  /** What it answers to the next request in place of what it would. */
  answerNext(response: () => Response): void;
}

/** Starts an engine that knows the loading and the saving of images (Docker Engine API, "Images"). */
export async function startFakeEngine(): Promise<FakeEngine> {
  const folder = await Deno.makeTempDir({ prefix: "strata-engine-" });
  const images = new Map<string, string>();
  const planned: (() => Response)[] = [];
  let count = 0;
  const load = async (request: Request): Promise<Response> => {
    const path = `${folder}/${count++}.tar`;
    await Deno.writeFile(path, request.body ?? new Uint8Array());
    for (const name of await namesIn(path)) images.set(name, path);
    return new Response('{"stream":"Loaded\\n"}\n', { headers: { "content-type": "application/json" } });
  };
  const server = Deno.serve({ path: `${folder}/docker.sock`, onListen: () => {} }, async (request) => {
    const answer = planned.shift();
    if (answer !== undefined) {
      await request.body?.cancel();
      return answer();
    }
    const url = new URL(request.url);
    if (request.method === "POST" && url.pathname === "/images/load") return await load(request);
    const name = /^\/images\/(.+)\/get$/.exec(url.pathname)?.[1]?.replace(/^docker\.io\/(?:library\/)?/, "");
    const path = images.get(name ?? "");
    if (path === undefined) return Response.json({ message: `No such image: ${name}` }, { status: 404 });
    return new Response((await Deno.open(path)).readable);
  });
  return {
    host: `unix://${folder}/docker.sock`,
    names: () => [...images.keys()].sort(),
    answerNext: (response) => void planned.push(response),
    async [Symbol.asyncDispose](): Promise<void> {
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function namesIn(path: string): Promise<readonly string[]> {
  await using files = await openTarFiles({ path }, createKit(), quietCall);
  const text = await new Response(await files.open("manifest.json", quietCall)).text();
  const entries: { RepoTags: readonly string[] | null }[] = JSON.parse(text);
  return entries.flatMap(({ RepoTags }) => RepoTags ?? []);
}
