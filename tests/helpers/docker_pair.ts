import { assertEquals } from "@std/assert";
import { type DockerClient, dockerClient, type DockerRun } from "./docker_client.ts";
import { startDockerd } from "./dockerd.ts";
import { startServe } from "./serve.ts";
import { type TempFolder, tempFolder } from "./strata.ts";

/** Both servers with a client each, on an API version that both speak. */
export interface DockerPair extends AsyncDisposable {
  readonly strata: DockerClient;
  readonly dockerd: DockerClient;
  readonly folder: TempFolder;
  /** Runs a command with both; fails unless they print the same and end alike. Gives what they print. */
  same(...args: readonly string[]): Promise<DockerRun>;
}

/** Starts `strata serve` and `dockerd`, each with a store of its own. Needs root. */
export async function startPair(): Promise<DockerPair> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const [server, daemon] = await Promise.all([
    startServe({ root: `${folder.path}/root` }, "--socket", `${folder.path}/api.sock`),
    startDockerd(),
  ]);
  stack.use(server);
  stack.use(daemon);
  const config = `${folder.path}/docker`;
  const negotiated = await dockerClient(daemon.host, { config }).run("version", "-f", "{{.Server.APIVersion}}");
  const apiVersion = [negotiated.stdout.trim(), "1.47"].sort((a, b) => Number(a.slice(2)) - Number(b.slice(2)))[0];
  const options = { config, ...(apiVersion === undefined ? {} : { apiVersion }) };
  const strata = dockerClient(server.url, options);
  const dockerd = dockerClient(daemon.host, options);
  const held = stack.move();
  return {
    strata,
    dockerd,
    folder,
    async same(...args): Promise<DockerRun> {
      const [ours, theirs] = await Promise.all([strata.run(...args), dockerd.run(...args)]);
      const isList = args[0] === "images";
      assertEquals(isList ? sorted(ours) : ours, isList ? sorted(theirs) : theirs, `docker ${args.join(" ")}`);
      return ours;
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** dockerd gives images of one second in any order. */
function sorted(run: DockerRun): DockerRun {
  return { ...run, stdout: run.stdout.split("\n").sort().join("\n") };
}

/** Standard output of a command that has to succeed. */
export async function must(running: Promise<DockerRun>): Promise<string> {
  const { code, stdout, stderr } = await running;
  assertEquals(code, 0, stderr);
  return stdout;
}
