import { readHeldCapabilities } from "./capability.ts";
import type { Container } from "./container.ts";
import type { SpecDevice, SpecHost } from "./runtime_spec.ts";
import { readUserNamespace } from "./user_namespace.ts";

/** What a container's configuration takes from this host, as it is now. */
export function readSpecHost(
  container: Container,
): Pick<SpecHost, "capabilities" | "userNamespace" | "isCgroupV2" | "devices"> {
  return {
    capabilities: readHeldCapabilities(),
    userNamespace: readUserNamespace(),
    isCgroupV2: isPresent("/sys/fs/cgroup/cgroup.controllers"),
    devices: container.isPrivileged ? listDevices("/dev") : [],
  };
}

/** Folders of `/dev` that a container has its own of (behaves as docker run --privileged). */
const ownFolders: ReadonlySet<string> = new Set(["fd", "mqueue", "pts", "shm", ".lxc", ".lxd-mounts", ".udev"]);

/** Devices below a folder, sorted; symlinks are not followed. */
function listDevices(folder: string): readonly SpecDevice[] {
  const found: SpecDevice[] = [];
  for (const { name, isDirectory } of [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)) {
    const path = `${folder}/${name}`;
    if (isDirectory && !ownFolders.has(name)) found.push(...listDevices(path));
    if (path === "/dev/console" || path === "/dev/ptmx") continue;
    const { isCharDevice, isBlockDevice, rdev, mode, uid, gid } = Deno.lstatSync(path);
    if (!isCharDevice && !isBlockDevice) continue;
    found.push({
      type: isCharDevice ? "c" : "b",
      path,
      ...deviceNumbers(rdev ?? 0),
      fileMode: (mode ?? 0) & 0o777,
      uid: uid ?? 0,
      gid: gid ?? 0,
    });
  }
  return found;
}

/** Parts of a device number as `stat` gives it (makedev(3)). */
function deviceNumbers(rdev: number): { readonly major: number; readonly minor: number } {
  const number = BigInt(rdev);
  return {
    major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn)),
    minor: Number((number & 0xffn) | ((number >> 12n) & ~0xffn)),
  };
}

function isPresent(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
