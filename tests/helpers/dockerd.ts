import { removeControlGroups } from "./control_groups.ts";

/** A Docker daemon that a test started. */
export interface Dockerd extends AsyncDisposable {
  /** Runs the docker client against it; gives its standard output. Throws with both outputs when it fails. */
  docker(...args: readonly string[]): Promise<string>;
  /** Address of its socket, for `DOCKER_HOST`. */
  readonly host: string;
  /** Directory of its own, for files the client reads and writes. */
  readonly directory: string;
}

const readyTimeoutMs = 60_000;

/**
 * Starts `dockerd` on a socket, a data directory and a containerd of its own, without network and with a storage driver that works
 * everywhere, or the one that is fast, and waits until it answers. Needs root. Disposing it stops the daemon and removes all of it.
 */
export async function startDockerd(driver: "vfs" | "overlay2" = "vfs"): Promise<Dockerd> {
  await using cleanup = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "strata-dockerd-" });
  cleanup.defer(() => Deno.remove(directory, { recursive: true }));
  cleanup.defer(() => removeControlGroups("docker"));
  const host = `unix://${directory}/docker.sock`;
  const log = await Deno.open(`${directory}/dockerd.log`, { write: true, create: true });
  // In a mount namespace of its own: what it mounts is gone with it, also when it is killed.
  const daemon = new Deno.Command("unshare", {
    args: [
      ...["--mount", "--", "dockerd"],
      ...["--host", host],
      ...["--data-root", `${directory}/data`],
      ...["--exec-root", `${directory}/exec`],
      ...["--pidfile", `${directory}/docker.pid`],
      ...["--config-file", `${directory}/none.json`],
      ...["--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"],
      ...["--storage-driver", driver],
    ],
    // Its containerd writes its stacks there when it is slow to answer.
    env: { TMPDIR: directory },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  await Deno.writeTextFile(`${directory}/none.json`, "{}");
  const child = daemon.spawn();
  const logging = child.stderr.pipeTo(log.writable);
  cleanup.defer(async () => {
    child.kill("SIGTERM");
    await child.status;
    await logging;
    // What ran on the host's network leaves that mounted.
    const netns = `${directory}/exec/netns/default`;
    await new Deno.Command("umount", { args: ["--lazy", netns], stdout: "null", stderr: "null" }).output();
  });
  await waitReady(host, child, `${directory}/dockerd.log`);
  const held = cleanup.move();
  return {
    directory,
    host,
    docker: (...args) => run(host, args),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function waitReady(host: string, child: Deno.ChildProcess, log: string): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  let ended = false;
  child.status.then(() => ended = true);
  while (Date.now() < deadline && !ended) {
    const { success } = await new Deno.Command("docker", {
      args: ["--host", host, "version"],
      stdout: "null",
      stderr: "null",
    }).output();
    if (success) return;
  }
  throw new Error(`dockerd does not answer:\n${(await Deno.readTextFile(log)).slice(-4000)}`);
}

async function run(host: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("docker", {
    args: ["--host", host, ...args],
    env: { DOCKER_BUILDKIT: "0" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`docker ${args.join(" ")}: ${decoder.decode(stdout)}${decoder.decode(stderr)}`);
}
