import type { Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { isEngineError } from "../errors.ts";
import { errnoOf, osError } from "../os/errno.ts";
import { type FileAttributes, openRoot, openSnapshotWriter, type Root } from "../os/file_system.ts";
import type { Mounter } from "../os/mount.ts";
import { Users } from "./users.ts";
import { applyLayer } from "./apply.ts";
import { findChanges, readChanges } from "./changes.ts";
import { explainDisk, explaining } from "./disk_error.ts";
import { chainSnapshot, layerSnapshot, makeDirectories, type OpenLayout } from "./layout.ts";
import { completeNames } from "./link_groups.ts";
import { attempt } from "./mount_place.ts";
import { overlayMarking } from "./marking.ts";
import { makeRunDirectory, removeDirectory, type RunDirectory } from "./run_directory.ts";
import type {
  SnapshotLayer,
  Snapshotter,
  SnapshotView,
  StoredLayer,
  Workspace,
  WorkspaceChanges,
} from "./snapshotter.ts";

/** What an overlay snapshotter works with. */
export interface OverlayOptions {
  readonly mounter: Mounter;
  readonly layout: OpenLayout;
  readonly isUserNamespace: boolean;
  /** An empty directory to try in what the kernel takes. */
  readonly probe: string;
  /** Called when it is disposed. */
  readonly close: () => void;
}

/** A snapshotter that puts unpacked layers on top of each other; undefined where the kernel refuses to. */
export function createOverlaySnapshotter(options: OverlayOptions): Snapshotter | undefined {
  const mountOptions = findMountOptions(options);
  return mountOptions === undefined ? undefined : new OverlaySnapshotter(options, mountOptions);
}

/**
 * Options from the best on. With `index`, a file that several names share is one file also while it is written to. `volatile` leaves out
 * syncing what is thrown away or read again anyway. Redirects and metadata-only copies would not be layers.
 */
function candidates(isUserNamespace: boolean): readonly (readonly string[])[] {
  if (isUserNamespace) {
    const base = ["userxattr", "redirect_dir=nofollow", "metacopy=off", "xino=off"];
    return [[...base, "index=off", "volatile"], [...base, "index=off"]];
  }
  const base = ["redirect_dir=off", "metacopy=off", "xino=off"];
  return [[...base, "index=on", "volatile"], [...base, "index=off", "volatile"], [...base, "index=off"]];
}

function findMountOptions({ mounter, probe, isUserNamespace }: OverlayOptions): readonly string[] | undefined {
  for (const [i, options] of candidates(isUserNamespace).entries()) {
    const [lower = "", path = "", work = "", target = ""] = ["lower", "upper", "work", "target"].map((name) =>
      `${probe}/${i}/${name}`
    );
    for (const each of [lower, path, work, target]) Deno.mkdirSync(each, { recursive: true });
    try {
      mounter.overlay({ lowers: [lower], upper: { path, work }, target, options });
      mounter.unmount(target);
      return options;
    } catch (error) {
      if (!isEngineError(error) || error.code !== "OS_FAILED") throw error;
    }
  }
  return undefined;
}

class OverlaySnapshotter implements Snapshotter {
  readonly kind = "overlay";
  readonly #options: OverlayOptions;
  readonly #mountOptions: readonly string[];
  /** Layers that are being unpacked, by chainID. */
  readonly #unpacking = new Map<string, Promise<string>>();

  constructor(options: OverlayOptions, mountOptions: readonly string[]) {
    this.#options = options;
    this.#mountOptions = mountOptions;
  }

  async prepare(layers: readonly SnapshotLayer[], call: Call): Promise<Workspace> {
    const lowers = await this.#unpackAll(layers, call);
    await using stack = new AsyncDisposableStack();
    const run = stack.use(makeRunDirectory(this.#options.layout, call.signal));
    holdTops(layers, stack);
    const paths = makePaths(run.path);
    setRoot(paths.upper, lowers);
    const { mounter } = this.#options;
    await whenFree(
      () =>
        mounter.overlay({
          lowers: lowers.length === 0 ? [paths.empty] : topmostFirst(lowers),
          upper: { path: paths.upper, work: paths.work },
          target: paths.rootfs,
          options: this.#mountOptions,
        }),
      paths.work,
      call,
    );
    stack.defer(() => mounter.unmount(paths.rootfs));
    const held = stack.move();
    const users = new Users();
    return {
      rootfs: paths.rootfs,
      directory: run.path,
      finish: (sourceDateEpoch, inner) =>
        explaining(
          "keep what a command changed",
          this.#options.layout.runs,
          () => this.#finish({ lowers, paths, users, sourceDateEpoch }, inner),
        ),
      async [Symbol.asyncDispose](): Promise<void> {
        // Where its layer was unpacked already it does not move, and commands may still run on it.
        await users.idle();
        await held.disposeAsync();
      },
    };
  }

  async view(layers: readonly SnapshotLayer[], call: Call): Promise<SnapshotView> {
    const lowers = await this.#unpackAll(layers, call);
    await using stack = new AsyncDisposableStack();
    const run = stack.use(makeRunDirectory(this.#options.layout, call.signal));
    holdTops(layers, stack);
    const paths = makePaths(run.path);
    this.#mountLowers(lowers, paths);
    stack.defer(() => this.#options.mounter.unmount(paths.lower));
    const held = stack.move();
    return { rootfs: paths.lower, [Symbol.asyncDispose]: () => held.disposeAsync() };
  }

  // deno-lint-ignore require-await
  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.close();
  }

  #finish(
    { lowers, paths, users, sourceDateEpoch }: {
      readonly lowers: readonly Lower[];
      readonly paths: Paths;
      readonly users: Users;
      readonly sourceDateEpoch: number | undefined;
    },
    call: Call,
  ): WorkspaceChanges {
    const { mounter, isUserNamespace, layout } = this.#options;
    using stack = new DisposableStack();
    const upper = stack.use(openRoot(paths.upper));
    const writer = stack.use(openSnapshotWriter(paths.upper));
    if (lowers.length > 0) {
      this.#mountLowers(lowers, paths);
      stack.defer(() => mounter.unmount(paths.lower));
    }
    const lower = lowers.length === 0 ? undefined : stack.use(openRoot(paths.lower));
    if (lower !== undefined) completeAllNames(paths, upper, lower);
    mounter.unmount(paths.rootfs);
    const changes = findChanges({ upper, writer, lower, isUserNamespace, sourceDateEpoch }, call);
    writer.setDirectory(".", unsaid);
    let path = paths.upper;
    return {
      async *entries(inner): AsyncGenerator<LayerEntry> {
        using root = openRoot(path);
        yield* readChanges(root, changes, inner);
      },
      top: { path: () => path, hold: () => users.hold() },
      commit(diffId): void {
        path = moveSnapshot(paths.upper, layerSnapshot(diffId), layout);
      },
    };
  }

  /** Mounts lower directories, base first, for reading; an empty one on top of them is what the root directory is like. */
  #mountLowers(lowers: readonly Lower[], { empty, work, lower }: Paths): void {
    const options = this.#options.isUserNamespace ? ["userxattr", "xino=off"] : ["redirect_dir=off", "xino=off"];
    setRoot(empty, lowers);
    // Without an upper directory there have to be two lower ones.
    const others = lowers.length === 0 ? [work] : topmostFirst(lowers);
    this.#options.mounter.overlay({ lowers: [empty, ...others], target: lower, options });
  }

  /** Directories of the layers, base first. */
  async #unpackAll(layers: readonly SnapshotLayer[], call: Call): Promise<readonly Lower[]> {
    const lowers: Lower[] = [];
    for (const layer of layers) {
      if ("path" in layer) lowers.push(layer.path);
      else {
        const path = this.#find(layer) ?? await this.#unpackOnce(layer, [...lowers], call);
        lowers.push(() => path);
      }
    }
    return lowers;
  }

  #find({ diffId, chainId }: StoredLayer): string | undefined {
    const { snapshots } = this.#options.layout;
    return [layerSnapshot(diffId), chainSnapshot(diffId, chainId)]
      .map((name) => `${snapshots}/${name}`)
      .find(isDirectory);
  }

  async #unpackOnce(layer: StoredLayer, lowers: readonly Lower[], call: Call): Promise<string> {
    const unpacking = this.#unpacking.get(layer.chainId) ?? this.#unpack(layer, lowers, call);
    this.#unpacking.set(layer.chainId, unpacking);
    try {
      return await unpacking;
    } catch (error) {
      throw explainDisk(error, `unpack layer "${layer.diffId}"`, this.#options.layout.runs);
    } finally {
      this.#unpacking.delete(layer.chainId);
    }
  }

  async #unpack(layer: StoredLayer, lowers: readonly Lower[], call: Call): Promise<string> {
    await using run: RunDirectory = makeRunDirectory(this.#options.layout, call.signal);
    const paths = makePaths(run.path);
    const { isUserNamespace, mounter, layout } = this.#options;
    let isApart: boolean;
    {
      using stack = new DisposableStack();
      const writer = stack.use(openSnapshotWriter(paths.upper));
      const own = stack.use(openRoot(paths.upper));
      let lower: ReturnType<typeof openRoot> | undefined;
      const target = {
        writer,
        own,
        marking: overlayMarking(writer, isUserNamespace),
        lower: () => {
          if (lower !== undefined || lowers.length === 0) return lower;
          this.#mountLowers(lowers, paths);
          stack.defer(() => mounter.unmount(paths.lower));
          return lower = stack.use(openRoot(paths.lower));
        },
      };
      const applied = await applyLayer(layer.entries(call), target, call);
      if (!applied.hasRoot) writer.setDirectory(".", unsaid);
      isApart = applied.isApart;
    }
    const name = isApart ? layerSnapshot(layer.diffId) : chainSnapshot(layer.diffId, layer.chainId);
    return moveSnapshot(paths.upper, name, layout);
  }
}

/**
 * Directories of layers, given base first, as the kernel wants them. One that comes twice, as an empty layer may, counts where it is
 * topmost: there it decides all the paths that it has an entry for.
 */
function topmostFirst(lowers: readonly Lower[]): readonly string[] {
  return [...new Set(lowers.toReversed().map((lower) => lower()))];
}

/** How long a directory may be in use, in milliseconds. */
const maxBusyMs = 10_000;

/**
 * Mounts when the kernel lets go: with `index`, what a command has made cannot be below another one while its own mount is there, and that is
 * taken away a moment after the last process of its container has ended.
 */
async function whenFree(mount: () => void, work: string, { signal }: Call): Promise<void> {
  for (let waited = 0;; waited += 5) {
    try {
      return mount();
    } catch (error) {
      if (errnoOf(error) !== "EBUSY" || waited >= maxBusyMs || signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
      // A mount that failed has left marks in it that the next one would be refused for.
      await removeDirectory(work);
      attempt("make directory", work, () => Deno.mkdirSync(work));
    }
  }
}

/** Keeps what commands have just made, while it is mounted. */
function holdTops(layers: readonly SnapshotLayer[], stack: AsyncDisposableStack): void {
  for (const layer of layers) if ("path" in layer) stack.use(layer.hold());
}

/** Where a lower directory is now: one that a command has just made moves when it is committed. */
type Lower = () => string;

interface Paths {
  readonly upper: string;
  readonly work: string;
  readonly rootfs: string;
  readonly lower: string;
  /** A directory that stays empty. */
  readonly empty: string;
}

function makePaths(directory: string): Paths {
  const at = (name: string): string => {
    const path = `${directory}/${name}`;
    attempt("make directory", path, () => Deno.mkdirSync(path));
    return path;
  };
  return { upper: at("upper"), work: at("work"), rootfs: at("rootfs"), lower: at("lower"), empty: at("empty") };
}

function completeAllNames(paths: Paths, upper: Root, lower: Root): void {
  using merged = openRoot(paths.rootfs);
  using writer = openSnapshotWriter(paths.rootfs);
  using work = openRoot(paths.work);
  completeNames({ merged, writer, upper, lower, work });
}

const plain: FileAttributes = { mode: 0o755, owner: { uid: 0, gid: 0 }, mtime: 0 };

/**
 * What the directory of a layer that says nothing of the root directory is like itself. Such a layer may be on any others, so what it has
 * must not be that of the ones it was first on.
 */
const unsaid: FileAttributes = { ...plain, mode: 0 };

/** Makes a directory what the root directory of the layers, base first, is like: what the topmost says that says something. */
function setRoot(path: string, lowers: readonly Lower[]): void {
  using writer = openSnapshotWriter(path);
  for (const lower of lowers.toReversed()) {
    using root = openRoot(lower());
    using directory = root.open(".");
    const { mode, uid, gid, ...stat } = directory.stat();
    if (mode === unsaid.mode) continue;
    writer.setDirectory(".", { mode, owner: { uid, gid }, mtime: 0, xattrs: directory.xattrs() });
    writer.setTime(".", stat);
    return;
  }
  writer.setDirectory(".", plain);
}

/** Puts a finished directory in its place; when the place is taken, what is there is the same. Gives the place. Throws `OS_FAILED`. */
function moveSnapshot(from: string, name: string, layout: OpenLayout): string {
  const to = `${layout.snapshots}/${name}`;
  // The directory of snapshots may be removed at any time.
  makeDirectories(layout);
  try {
    Deno.renameSync(from, to);
  } catch (cause) {
    if (!isDirectory(to)) {
      const errno = errnoOf(cause) ?? "EIO";
      throw osError({ action: "keep snapshot", syscall: "rename", errno, path: to, cause });
    }
  }
  return to;
}

function isDirectory(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
