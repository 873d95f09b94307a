import type { Call } from "../contract/call.ts";
import type { RunMount, RunSpec } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import type { ContainerMount } from "../os/container.ts";
import { openRoot, openSnapshotWriter } from "../os/file_system.ts";
import { resolvePath } from "../os/resolve_path.ts";
import { isSocketPath, openSocketProxy } from "../os/socket_proxy.ts";
import type { MountStore } from "../snapshot/mount_store.ts";
import type { Snapshotter, SnapshotView } from "../snapshot/snapshotter.ts";
import type { RunOptions, SecretSource } from "./run_options.ts";
import type { StepSource } from "./step_source.ts";
import { writeTree } from "./write_tree.ts";

/** What mounts are made from. */
export interface MountEnvironment {
  readonly options: RunOptions;
  readonly inputs: readonly StepSource[];
  readonly snapshotter: Snapshotter;
  readonly caches: MountStore;
  /** Directory for files of the run, on no private mount. */
  readonly directory: string;
  /** Directory of a file system in memory, for what must not reach a disk; made when it is first asked for. */
  readonly secretDirectory: () => string;
  /** Gives back what the mounts hold, after the run. */
  readonly stack: AsyncDisposableStack;
}

/** Mounts of a run, ready for the container, and variables that go with them. */
export interface PreparedMounts {
  readonly mounts: readonly ContainerMount[];
  /** `NAME=value`. */
  readonly env: readonly string[];
}

type MountOf<T extends RunMount["type"]> = Extract<RunMount, { readonly type: T }>;

/** Prepares the mounts of a command. Rejects `NOT_FOUND` for a source or a secret that is missing, and `CANCELED`. */
export async function prepareMounts(spec: RunSpec, environment: MountEnvironment, call: Call): Promise<PreparedMounts> {
  const mounts: ContainerMount[] = [];
  const env: string[] = [];
  const caches = await prepareCaches(spec, environment, call);
  for (const [index, mount] of spec.mounts.entries()) {
    switch (mount.type) {
      case "bind": {
        const source = await bindSource(mount, index, environment, call);
        mounts.push({ type: "bind", source, target: mount.target, readonly: mount.readonly });
        break;
      }
      case "cache": {
        const source = caches.get(mount.id) ?? "";
        mounts.push({ type: "bind", source, target: mount.target, readonly: mount.readonly });
        break;
      }
      case "secret":
        await addSecret(mount, index, { environment, mounts, env });
        break;
      case "ssh":
        addAgent(mount, index, { environment, mounts, env });
        break;
      case "tmpfs":
        mounts.push({
          type: "tmpfs",
          target: mount.target,
          readonly: mount.readonly,
          ...(mount.size === null ? {} : { maxBytes: mount.size }),
        });
        break;
    }
  }
  return { mounts, env };
}

/** Path of this host with what a bind mount shows. What is written there is lost. */
async function bindSource(
  mount: MountOf<"bind">,
  index: number,
  environment: MountEnvironment,
  call: Call,
): Promise<string> {
  const input = environment.inputs[mount.input];
  if (input === undefined) throw new EngineError("INTERNAL", `Cannot mount input "${mount.input}": there is none`);
  if (!input.isLayered) {
    const path = await input.tree.resolve(mount.source, call);
    if (await input.tree.lstat(path, call) === undefined) throw noSource(mount);
    const directory = `${environment.directory}/bind-${index}`;
    await writeTree(input.tree, { directory, path, keepOwners: true }, call);
    return path === "." ? directory : `${directory}/${path}`;
  }
  const layers = await input.snapshotLayers(call);
  const { snapshotter, stack } = environment;
  const view: SnapshotView = stack.use(
    await (mount.readonly ? snapshotter.view(layers, call) : snapshotter.prepare(layers, call)),
  );
  using root = openRoot(view.rootfs);
  const path = resolvePath(root, mount.source, true);
  if (root.lstat(path) === undefined) throw noSource(mount);
  return path === "." ? view.rootfs : `${view.rootfs}/${path}`;
}

function noSource({ source, target }: MountOf<"bind"> | MountOf<"cache">): EngineError {
  return new EngineError("NOT_FOUND", `Cannot mount "/${source === "." ? "" : source}" at "${target}": not found`, {
    detail: { kind: "file", name: source },
  });
}

/** Sharings from the loosest to the strictest. */
const sharings = ["shared", "private", "locked"] as const;

/**
 * Takes the cache mounts of a command, each once and in the order of their ids, so that no two commands wait for each other. One that is
 * asked for in several ways is taken in the strictest.
 */
async function prepareCaches(
  spec: RunSpec,
  environment: MountEnvironment,
  call: Call,
): Promise<ReadonlyMap<string, string>> {
  const wanted = new Map<string, MountOf<"cache">>();
  for (const mount of spec.mounts) {
    if (mount.type !== "cache") continue;
    const known = wanted.get(mount.id) ?? mount;
    const rank = Math.max(sharings.indexOf(known.sharing), sharings.indexOf(mount.sharing));
    wanted.set(mount.id, { ...known, sharing: sharings[rank] ?? "locked" });
  }
  const paths = new Map<string, string>();
  for (const [id, mount] of [...wanted].sort(([a], [b]) => a < b ? -1 : 1)) {
    const lease = environment.stack.use(await environment.caches.acquire({ id, sharing: mount.sharing }, call));
    if (lease.isNew) {
      await seedCache(mount, lease.path, environment, call);
      lease.commitNew();
    }
    paths.set(id, lease.path);
  }
  return paths;
}

async function seedCache(
  mount: MountOf<"cache">,
  directory: string,
  { inputs }: MountEnvironment,
  call: Call,
): Promise<void> {
  using writer = openSnapshotWriter(directory);
  if (mount.input === null) {
    writer.setAttributes(".", { mode: mount.mode, owner: { uid: mount.uid, gid: mount.gid }, mtime: 0 });
    return;
  }
  const input = inputs[mount.input];
  const path = await input?.tree.resolve(mount.source, call);
  const top = path === undefined ? undefined : await input?.tree.lstat(path, call);
  if (input === undefined || path === undefined || top?.type !== "directory") throw noSource(mount);
  await writeTree(input.tree, { directory, path, isTop: true, keepOwners: true }, call);
  writer.setAttributes(".", { mode: top.mode, owner: { uid: top.uid, gid: top.gid }, mtime: top.mtime });
}

interface Preparing {
  readonly environment: MountEnvironment;
  readonly mounts: ContainerMount[];
  readonly env: string[];
}

async function addSecret(
  mount: MountOf<"secret">,
  index: number,
  { environment, mounts, env }: Preparing,
): Promise<void> {
  const source = environment.options.secrets?.[mount.id];
  if (source === undefined) {
    if (!mount.required) return;
    throw missing("secret", mount.id, `--secret id=${mount.id},src=PATH`);
  }
  const bytes = await readSecret(mount.id, source);
  if (mount.env !== null) env.push(`${mount.env}=${new TextDecoder().decode(bytes)}`);
  if (mount.target === null) return;
  const directory = environment.secretDirectory();
  using writer = openSnapshotWriter(directory);
  const { mode, uid, gid } = mount;
  writer.writeFile(`${index}`, bytes, { mode, owner: { uid, gid }, mtime: 0 });
  mounts.push({ type: "bind", source: `${directory}/${index}`, target: mount.target, readonly: true });
}

async function readSecret(id: string, source: SecretSource): Promise<Uint8Array<ArrayBuffer>> {
  if (source.type === "value") return new TextEncoder().encode(source.value);
  try {
    return await Deno.readFile(source.path);
  } catch (cause) {
    const isMissing = cause instanceof Deno.errors.NotFound;
    const state = isMissing ? "it does not exist" : cause instanceof Error ? cause.message : String(cause);
    throw new EngineError(
      isMissing ? "NOT_FOUND" : "OS_FAILED",
      `Cannot read secret "${id}" from "${source.path}": ${state}`,
      {
        cause,
        detail: { kind: "file", name: source.path, path: source.path },
      },
    );
  }
}

function addAgent(mount: MountOf<"ssh">, index: number, { environment, mounts, env }: Preparing): void {
  const socket = environment.options.agents?.[mount.id];
  if (socket === undefined) {
    if (!mount.required) return;
    throw missing("SSH agent", mount.id, `--ssh ${mount.id}`);
  }
  const path = `${environment.directory}/agent-${index}`;
  // A socket of its own can have the owner and mode that the mount asks for.
  const source = isSocketPath(path) ? environment.stack.use(openSocketProxy(path, socket)).path : socket;
  if (source === path) {
    Deno.chmodSync(path, mount.mode);
    Deno.chownSync(path, mount.uid, mount.gid);
  }
  mounts.push({ type: "bind", source, target: mount.target, readonly: true });
  if (!env.some((each) => each.startsWith("SSH_AUTH_SOCK="))) env.push(`SSH_AUTH_SOCK=${mount.target}`);
}

function missing(kind: string, id: string, flag: string): EngineError {
  return new EngineError("NOT_FOUND", `Cannot mount ${kind} "${id}": it was not given`, {
    detail: { kind, name: id },
    hint: `Give it with ${flag}`,
  });
}
