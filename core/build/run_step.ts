import type { Call, EngineEvent } from "../contract/call.ts";
import type { RunSpec } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { Container, ContainerMount, ContainerRuntime } from "../os/container.ts";
import { openRoot, openSnapshotWriter, type Root } from "../os/file_system.ts";
import { enterMountNamespace } from "../os/mount.ts";
import { checkRunPlatform } from "../os/run_platform.ts";
import type { MountStore } from "../snapshot/mount_store.ts";
import type { Snapshotter, Workspace, WorkspaceChanges } from "../snapshot/snapshotter.ts";
import { MountPoints } from "./mount_points.ts";
import { hostsFile, resolverFile } from "./run_files.ts";
import { prepareMounts } from "./run_mounts.ts";
import type { RunOptions } from "./run_options.ts";
import { OutputTail } from "./output_tail.ts";
import { findUser } from "./run_user.ts";
import type { StepSource } from "./step_source.ts";

/** What all runs of a build share. */
export interface RunEnvironment {
  readonly options: RunOptions;
  readonly snapshotter: Snapshotter;
  readonly runtime: ContainerRuntime;
  readonly caches: MountStore;
}

/** A command of one step, and what it runs on. */
export interface RunRequest {
  readonly spec: RunSpec;
  /** The step's inputs, in order; the first is what it runs on. */
  readonly inputs: readonly StepSource[];
  readonly platform: Platform;
  readonly sourceDateEpoch: number | undefined;
  /** Id of the step in events. */
  readonly step: string;
}

/** What a command that has ended well changed. Disposing it removes what was not kept. */
export interface FinishedRun extends WorkspaceChanges, AsyncDisposable {}

const defaultHostname = "strata";

/**
 * Runs a command in a container on a writable copy of the first input, and reports what it prints. Rejects `STEP_FAILED` when it does not
 * exit with 0, with `detail` `{exitCode, output}`: the last lines that it printed.
 */
export async function runCommand(request: RunRequest, environment: RunEnvironment, call: Call): Promise<FinishedRun> {
  const { spec, inputs } = request;
  checkAllowed(spec, environment.options);
  checkRunPlatform(request.platform);
  const [base] = inputs;
  if (base === undefined) throw new EngineError("INTERNAL", "Cannot run a command: the step has no input");
  await using stack = new AsyncDisposableStack();
  const workspace = stack.use(await environment.snapshotter.prepare(await base.snapshotLayers(call), call));
  await execute(workspace, request, environment, call);
  const changes = workspace.finish(request.sourceDateEpoch, call);
  const held = stack.move();
  return { ...changes, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

function checkAllowed(spec: RunSpec, { network, allowed = [] }: RunOptions): void {
  const wanted = spec.security === "insecure"
    ? "security.insecure"
    : spec.network === "host" && network === "none"
    ? "network.host"
    : undefined;
  if (wanted === undefined || allowed.includes(wanted)) return;
  const [flag = "", value = ""] = wanted.split(".");
  throw new EngineError("INVALID_ARGUMENT", `Cannot run with --${flag}=${value}: it was not allowed`, {
    detail: { field: flag, value },
    hint: `Allow it with --allow ${wanted}`,
  });
}

async function execute(
  workspace: Workspace,
  request: RunRequest,
  environment: RunEnvironment,
  call: Call,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const root = stack.use(openRoot(workspace.rootfs));
  const writer = stack.use(openSnapshotWriter(workspace.rootfs));
  const points = new MountPoints(root, writer);
  const container = await prepareContainer({ workspace, request, environment, root, points, stack }, call);
  const tail = new OutputTail();
  const write = (stream: "stdout" | "stderr", data: Uint8Array<ArrayBuffer>): void => {
    tail.add(data);
    call.emit({ type: "step-log", step: request.step, stream, data } satisfies EngineEvent);
  };
  const exitCode = await environment.runtime.run(container, { type: "capture", write }, call);
  if (exitCode !== 0 && environment.options.onFailure === "shell") {
    await openShell(container, request, environment, call);
  }
  restore(points, workspace.rootfs);
  if (exitCode !== 0) throw failed(request.spec, exitCode, tail.lines());
}

function restore(points: MountPoints, rootfs: string): void {
  using root = openRoot(rootfs);
  using writer = openSnapshotWriter(rootfs);
  points.restore(root, writer);
}

interface Preparation {
  readonly workspace: Workspace;
  readonly request: RunRequest;
  readonly environment: RunEnvironment;
  readonly root: Root;
  readonly points: MountPoints;
  readonly stack: AsyncDisposableStack;
}

async function prepareContainer(preparation: Preparation, call: Call): Promise<Container> {
  const { workspace, request, environment, root, points, stack } = preparation;
  const { spec } = request;
  const { options } = environment;
  const user = findUser(root, spec.user);
  for (const name of kernelFolders) makeKernelFolder(name, root, points);
  makeWorkingDirectory(preparation, spec.cwd, user);
  const secretDirectory = once(() => makeSecretDirectory(workspace.directory, stack));
  const { mounts, env } = await prepareMounts(spec, {
    options,
    inputs: request.inputs,
    snapshotter: environment.snapshotter,
    caches: environment.caches,
    directory: workspace.directory,
    secretDirectory,
    stack,
  }, call);
  const hostname = spec.hostname ?? defaultHostname;
  const files = [...networkFiles(workspace.directory, hostname, options), ...scripts(workspace.directory, spec)];
  const variables = environmentOf(spec.env, [...env, `HOME=${user.home}`]);
  const secretEnv = variables.filter((text) => env.includes(text) && !spec.env.includes(text));
  // The runtime writes down what it is told: secrets only where no disk is.
  const bundle = `${secretEnv.length === 0 ? workspace.directory : secretDirectory()}/bundle`;
  Deno.mkdirSync(bundle);
  const all = [...files, ...[...mounts].sort((a, b) => a.target < b.target ? -1 : a.target > b.target ? 1 : 0)];
  return {
    rootfs: workspace.rootfs,
    directory: bundle,
    args: spec.args,
    env: variables.filter((text) => !secretEnv.includes(text)),
    secretEnv,
    cwd: spec.cwd,
    ...user,
    hostname,
    network: (spec.network === "default" ? options.network ?? "default" : spec.network) === "none" ? "none" : "host",
    isPrivileged: spec.security === "insecure",
    mounts: all.map((mount, i) => placeMount(mount, all.slice(0, i), { root, points })),
    limits: {
      ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
      ...(options.cpus === undefined ? {} : { cpus: options.cpus }),
      ...(options.shmBytes === undefined ? {} : { shmBytes: options.shmBytes }),
      ulimits: options.ulimits ?? [],
    },
  };
}

/** Folders that the kernel fills. */
const kernelFolders = ["dev", "proc", "sys"] as const;

/** Makes a folder that the kernel fills where it is missing. A symlink in its place could have the runtime write elsewhere, even to the host. */
function makeKernelFolder(name: typeof kernelFolders[number], root: Root, points: MountPoints): void {
  const there = root.lstat(name);
  if (there === undefined || there.type === "directory") {
    points.make(`/${name}`, "directory");
    return;
  }
  throw new EngineError("CONFLICT", `Cannot run a command: "/${name}" of the image is a ${there.type}`, {
    detail: { kind: "mount", name: `/${name}` },
    hint: "Use a base image in which it is a directory, or has no such name",
  });
}

/**
 * A mount where it goes: at its target with symlinks followed, made when it is missing, unless it lies in another mount. A file system
 * in memory has the permissions of what it covers. Throws `CONFLICT` for what leads into `/proc` or `/sys`.
 */
function placeMount(
  mount: ContainerMount,
  before: readonly ContainerMount[],
  { root, points }: Pick<Preparation, "root" | "points">,
): ContainerMount {
  const { target } = mount;
  const covers = (path: string): boolean => target.startsWith(`${path}/`);
  const isApart = covers("/dev") || before.some((each) => covers(each.target));
  const isFile = mount.type === "bind" && !Deno.statSync(mount.source).isDirectory;
  const place = isApart ? target : points.resolve(target);
  const kernel = ["/proc", "/sys"].find((folder) => place === folder || place.startsWith(`${folder}/`));
  if (kernel !== undefined) {
    throw new EngineError("CONFLICT", `Cannot mount at "${target}": it is in "${kernel}", which the kernel fills`, {
      detail: { kind: "mount", name: target },
      hint: "Give the mount another target",
    });
  }
  if (isApart) return mount;
  const made = points.make(target, isFile ? "file" : "directory");
  const mode = root.lstat(made.slice(1))?.mode;
  return { ...mount, target: made, ...(mount.type === "tmpfs" && mode !== undefined ? { mode } : {}) };
}

function makeWorkingDirectory(
  { workspace, root }: Preparation,
  cwd: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): void {
  // Made for good, as docker does where WORKDIR has not made it already.
  using writer = openSnapshotWriter(workspace.rootfs);
  const points = new MountPoints(root, writer);
  points.make(cwd, "directory");
  for (const path of points.made()) writer.setAttributes(path, { mode: 0o755, owner: { uid, gid }, mtime: 0 });
}

function makeSecretDirectory(directory: string, stack: AsyncDisposableStack): string {
  const mounter = enterMountNamespace();
  const path = `${directory}/secrets`;
  Deno.mkdirSync(path, { mode: 0o700 });
  mounter.tmpfs(path, { mode: 0o700 });
  stack.defer(() => mounter.unmount(path));
  return path;
}

/** Files about the network that a container has of its own; what is written to them is lost. */
function networkFiles(directory: string, hostname: string, options: RunOptions): readonly ContainerMount[] {
  const texts: Readonly<Record<string, string>> = {
    hosts: hostsFile(hostname, options.hosts),
    "resolv.conf": resolverFile(readHostResolver(), options),
    hostname: `${hostname}\n`,
  };
  return Object.entries(texts).map(([name, text]) => {
    const source = `${directory}/${name}`;
    Deno.writeTextFileSync(source, text, { mode: 0o644 });
    return { type: "bind", source, target: `/etc/${name}`, readonly: false };
  });
}

function readHostResolver(): string {
  try {
    return Deno.readTextFileSync("/etc/resolv.conf");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

function scripts(directory: string, { files }: RunSpec): readonly ContainerMount[] {
  return files.map(({ path, text, mode }, index) => {
    const source = `${directory}/script-${index}`;
    Deno.writeTextFileSync(source, text);
    Deno.chmodSync(source, mode);
    return { type: "bind", source, target: path, readonly: true };
  });
}

/** The variables, then those of `others` whose names they lack; later ones of a name win. */
function environmentOf(env: readonly string[], others: readonly string[]): string[] {
  const byName = new Map<string, string>();
  const nameOf = (text: string): string => text.split("=", 1)[0] ?? "";
  for (const text of env) byName.set(nameOf(text), text);
  for (const text of others) if (!byName.has(nameOf(text))) byName.set(nameOf(text), text);
  return [...byName.values()];
}

async function openShell(
  container: Container,
  request: RunRequest,
  environment: RunEnvironment,
  call: Call,
): Promise<void> {
  const text = `command failed; this shell is where it ran, exit ends it\n`;
  call.emit({ type: "step-log", step: request.step, stream: "stderr", data: new TextEncoder().encode(text) });
  const directory = `${container.directory}-shell`;
  Deno.mkdirSync(directory);
  await environment.runtime.run({ ...container, directory, args: ["/bin/sh"] }, { type: "terminal" }, call);
}

function failed(spec: RunSpec, exitCode: number, output: readonly string[]): EngineError {
  const command = spec.args.join(" ");
  const shown = command.length > 200 ? `${command.slice(0, 200)}…` : command;
  return new EngineError("STEP_FAILED", `Cannot run "${shown}": exit code ${exitCode}`, {
    detail: { exitCode, output },
  });
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
