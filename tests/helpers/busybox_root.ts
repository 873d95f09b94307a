/** A root file system of busybox and nothing else, for containers. */
import type { Container, ContainerIo, ContainerRuntime } from "../../core/os/container.ts";
import type { Need } from "./require.ts";

/** Programs that tests of containers need. */
export const containerPeers = {
  busybox: { program: "busybox", debianPackage: "busybox-static" },
  crun: { program: "crun", debianPackage: "crun" },
  runc: { program: "runc", debianPackage: "runc" },
  unshare: { program: "unshare", debianPackage: "util-linux" },
  prlimit: { program: "prlimit", debianPackage: "util-linux" },
  script: { program: "script", debianPackage: "bsdutils" },
} as const satisfies Record<string, Need>;

const applets =
  "sh cat chmod chown dd df echo env false getopt grep head hostname id ifconfig ipcs kill ln ls mkdir mknod mount ps pwd readlink"
    .concat(" rm seq setsid sleep sort stat stty tail test touch tr true umount uname unshare wc").split(" ");

/** A root file system and a place for a container's own files; gone when disposed. */
export interface BusyboxRoot extends Disposable {
  /** Folder of this host. */
  readonly path: string;
  /** A container that runs a command in it as root; parts can be given. */
  container(args: readonly string[], parts?: Partial<Container>): Container;
}

/** Makes a busybox root file system. */
export function makeBusyboxRoot(): BusyboxRoot {
  const base = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "strata-busybox-" }));
  const path = `${base}/root`;
  for (const folder of ["bin", "dev", "etc", "proc", "sys", "tmp"]) {
    Deno.mkdirSync(`${path}/${folder}`, { recursive: true });
  }
  Deno.copyFileSync(findBusybox(), `${path}/bin/busybox`);
  for (const name of applets) Deno.symlinkSync("busybox", `${path}/bin/${name}`);
  Deno.writeTextFileSync(`${path}/etc/passwd`, "root:x:0:0:root:/:/bin/sh\n");
  Deno.chmodSync(base, 0o755);
  return {
    path,
    container: (args, parts = {}) => ({
      rootfs: path,
      directory: Deno.makeTempDirSync({ dir: base }),
      args,
      env: ["PATH=/bin", "HOME=/"],
      cwd: "/",
      uid: 0,
      gid: 0,
      groups: [],
      hostname: "box",
      network: "none",
      isPrivileged: false,
      mounts: [],
      limits: {},
      ...parts,
    }),
    [Symbol.dispose]: () => Deno.removeSync(base, { recursive: true }),
  };
}

/** Path of the host's busybox, a program that needs no library. */
export function findBusybox(): string {
  for (const path of ["/bin/busybox", "/usr/bin/busybox"]) {
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch {
      // The other one.
    }
  }
  throw new Error("no busybox");
}

/** How a container ended and what it printed. */
export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a container and collects what it prints. */
export async function runContainer(runtime: ContainerRuntime, container: Container): Promise<Run> {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  const text = { stdout: "", stderr: "" };
  const io: ContainerIo = {
    type: "capture",
    write: (stream, data) => text[stream] += decoders[stream].decode(data, { stream: true }),
  };
  const code = await runtime.run(container, io, { signal: new AbortController().signal, emit: () => {} });
  return { code, ...text };
}
