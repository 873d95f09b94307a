import { EngineError } from "../errors.ts";
import type { Container } from "./container.ts";
import { openRootWriter, type RootWriter } from "./file_system.ts";
import { defaultDevices, type RuntimeSpec, type SpecMount } from "./runtime_spec.ts";
import { shellQuote } from "./sandbox.ts";

/**
 * Shell commands that mount in a root what the configuration for an OCI runtime says, with nothing but `mount`, and the files
 * they need in the container's directory.
 */
export function makeChrootMounts(
  container: Container,
  spec: RuntimeSpec,
  { mount, nodes }: { readonly mount: string; readonly nodes: string },
): readonly string[] {
  const { rootfs, directory, isPrivileged } = container;
  const devices = isPrivileged
    ? (spec.linux.devices ?? []).map(({ path }) => path)
    : defaultDevices.map((name) => `/dev/${name}`);
  makeMountPoints(rootfs);
  makeDeviceFolder(`${directory}/dev`, devices);
  checkTargets(container, `${directory}/dev`);
  const mounts = spec.mounts.flatMap((one) => {
    if (one.destination !== "/dev") return [one];
    // A file system in memory would have to get its files between two mounts; a folder has them already.
    const options = ["bind", "nosuid", ...(isPrivileged ? [] : ["nodev"])];
    return [
      { ...one, type: "bind", source: `${directory}/dev`, options },
      ...(isPrivileged ? devices.map((path) => bindDevice(path, nodes)) : []),
    ];
  });
  const table = [
    ...mounts,
    ...spec.linux.maskedPaths.flatMap(mask),
    ...spec.linux.readonlyPaths.flatMap(protect(rootfs)),
  ];
  Deno.writeTextFileSync(`${directory}/fstab`, table.map((one) => formatEntry(one, rootfs)).join(""));
  const root = shellQuote(rootfs);
  return [
    `${mount} --no-mtab --bind ${isPrivileged ? "" : "-o nodev "}${root} ${root}`,
    `${mount} --no-mtab --all --fstab ${shellQuote(`${directory}/fstab`)}`,
  ];
}

/** Makes the folders that the usual file systems are mounted on; one of an image's own must not be a link to elsewhere. */
function makeMountPoints(rootfs: string): void {
  using root = openRootWriter(rootfs);
  for (const name of ["dev", "proc", "sys"]) {
    const type = root.lstat(name)?.type;
    if (type === "directory") continue;
    if (type !== undefined) {
      throw new EngineError("UNSUPPORTED", `Cannot mount on "/${name}" of the image: it is not a directory`, {
        detail: { what: "mount point", value: `/${name}` },
        hint: "Install crun",
      });
    }
    root.makeDirectory(name);
    root.setAttributes(name, { mode: 0o755, mtime: 0 });
  }
}

/**
 * Makes what mounts in `/dev` are mounted on. `mount` follows symlinks as the host has them, and it is the container's own doing what is
 * in a mount, or in `/proc`: a target in there could be a file of the host, even the program that is run next. Throws `UNSUPPORTED`.
 */
function checkTargets({ mounts }: Container, devices: string): void {
  using writer = openRootWriter(devices);
  const taken = ["/proc", "/sys", "/dev/mqueue", "/dev/pts", "/dev/shm"];
  for (const mount of mounts) {
    const { target } = mount;
    const place = taken.find((each) => target.startsWith(`${each}/`)) ??
      taken.slice(0, 2).find((each) => target === each);
    if (place !== undefined) throw notMountable(target, place);
    if (target.startsWith("/dev/")) makePoint(writer, target, mount.type === "tmpfs" || isDirectory(mount.source));
    taken.push(target);
  }
}

function makePoint(writer: RootWriter, target: string, isFolder: boolean): void {
  const parts = target.split("/").slice(2);
  for (let length = 1; length <= parts.length; length++) {
    const path = parts.slice(0, length).join("/");
    const type = writer.lstat(path)?.type;
    const wanted = length < parts.length || isFolder ? "directory" : "file";
    if (type !== undefined && type !== wanted) throw notMountable(target, `/dev/${path}`);
    if (type !== undefined) continue;
    if (wanted === "directory") writer.makeDirectory(path);
    else writer.createFile(path)[Symbol.dispose]();
    writer.setAttributes(path, { mode: wanted === "directory" ? 0o755 : 0o644, mtime: 0 });
  }
}

function notMountable(target: string, place: string): EngineError {
  return new EngineError("UNSUPPORTED", `Cannot mount at "${target}" with runtime "chroot": it is in "${place}"`, {
    detail: { what: "mount point", value: target },
    hint: "Give the mount another target, or install crun",
  });
}

/** Makes a folder with what `/dev` has: files to mount devices on, folders to mount on, and links. */
function makeDeviceFolder(folder: string, devices: readonly string[]): void {
  for (const name of ["", "/mqueue", "/pts", "/shm"]) makeFolder(`${folder}${name}`);
  for (const device of devices) {
    const path = `${folder}${device.slice("/dev".length)}`;
    makeFolder(path.slice(0, path.lastIndexOf("/")));
    Deno.writeFileSync(path, new Uint8Array());
  }
  const links = {
    fd: "/proc/self/fd",
    ptmx: "pts/ptmx",
    stderr: "/proc/self/fd/2",
    stdin: "/proc/self/fd/0",
    stdout: "/proc/self/fd/1",
  };
  for (const [name, target] of Object.entries(links)) {
    Deno.symlinkSync(target, `${folder}/${name}`);
  }
}

function makeFolder(path: string): void {
  Deno.mkdirSync(path, { recursive: true });
  Deno.chmodSync(path, 0o755);
}

/** A device of this host; the usual ones are the container's own, as it may change their modes. */
function bindDevice(path: string, nodes: string): SpecMount {
  const name = path.slice("/dev/".length);
  const source = defaultDevices.some((each) => each === name) ? `${nodes}/${name}` : path;
  return { destination: path, type: "bind", source, options: ["bind", "nosuid", "noexec"] };
}

/** Hides a path of `/proc` or `/sys`, which a container's are as the host's; what the kernel has not need not be hidden. */
function mask(path: string): readonly SpecMount[] {
  const type = typeOf(path);
  if (type === "file") return [{ destination: path, type: "bind", source: "/dev/null", options: ["bind", "ro"] }];
  if (type === undefined) return [];
  return [{
    destination: path,
    type: "tmpfs",
    source: "tmpfs",
    options: ["ro", "nosuid", "nodev", "noexec", "size=0k"],
  }];
}

function protect(rootfs: string): (path: string) => readonly SpecMount[] {
  return (path) => {
    if (typeOf(path) === undefined) return [];
    const options = ["bind", "ro", "nosuid", "nodev", "noexec"];
    return [{ destination: path, type: "bind", source: `${rootfs}${path}`, options }];
  };
}

function isDirectory(path: string): boolean {
  return Deno.statSync(path).isDirectory;
}

function typeOf(path: string): "file" | "directory" | undefined {
  try {
    return Deno.lstatSync(path).isDirectory ? "directory" : "file";
  } catch {
    return undefined;
  }
}

/** A line of a table of file systems (fstab(5)). */
function formatEntry({ source, destination, type, options }: SpecMount, rootfs: string): string {
  const words = [source, `${rootfs}${destination}`, type === "bind" ? "none" : type, options.join(",")];
  return `${words.map(escape).join(" ")} 0 0\n`;
}

function escape(word: string): string {
  return word.replace(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);
}
