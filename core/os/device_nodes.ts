import { errnoOf } from "./errno.ts";
import { openSnapshotWriter } from "./file_system.ts";
import { enterMountNamespace } from "./mount.ts";
import { defaultDevices } from "./runtime_spec.ts";
import { readUserNamespace } from "./user_namespace.ts";

/** Where the devices are that a container gets. */
export interface DeviceNodes extends Disposable {
  /** Folder with a node for each of the usual devices. */
  readonly path: string;
  /** Options to mount one of them with. */
  readonly options: readonly string[];
}

/** Numbers of the devices (Linux, admin-guide/devices.txt). */
const numbers: Readonly<Record<typeof defaultDevices[number], readonly [major: number, minor: number]>> = {
  null: [1, 3],
  zero: [1, 5],
  full: [1, 7],
  random: [1, 8],
  urandom: [1, 9],
  tty: [5, 0],
};

/**
 * Makes the usual devices for one container, in its directory: it may change owners and modes of what is mounted into it, and would
 * change those of this host's own nodes. Where none can be made, those of this host serve: inside a user namespace they belong to
 * nobody, elsewhere they are mounted read-only, which does not keep anyone from writing to the device. Throws `OS_FAILED`.
 */
export function makeDeviceNodes(directory: string): DeviceNodes {
  if (readUserNamespace() !== undefined) return { path: "/dev", options: [], [Symbol.dispose]: () => {} };
  const path = `${directory}/nodes`;
  Deno.mkdirSync(path, { mode: 0o700 });
  using stack = new DisposableStack();
  const mounter = enterMountNamespace();
  mounter.tmpfs(path, { mode: 0o755 });
  stack.defer(() => mounter.unmount(path));
  using writer = openSnapshotWriter(path);
  try {
    for (const name of defaultDevices) {
      const [major, minor] = numbers[name];
      writer.makeNode(name, { type: "char", major, minor });
      writer.setAttributes(name, { mode: 0o666, owner: { uid: 0, gid: 0 }, mtime: 0 });
    }
  } catch (error) {
    if (errnoOf(error) !== "EPERM") throw error;
    return { path: "/dev", options: ["ro"], [Symbol.dispose]: () => {} };
  }
  const held = stack.move();
  return { path, options: [], [Symbol.dispose]: () => held.dispose() };
}
