/** A mounted hierarchy of control groups (cgroups(7)). */
export interface CgroupHierarchy {
  readonly version: 1 | 2;
  /** Folder it is mounted on. */
  readonly root: string;
  /** Controllers that it has. */
  readonly controllers: readonly string[];
  /**
   * Folders of the groups that another can be made in, best first: of version 1, where groups with processes have groups below them,
   * that of this process; of version 2 also those above it.
   */
  readonly parents: readonly string[];
}

/** What the kernel tells about control groups; texts of files. */
export interface CgroupFiles {
  /** Of `/proc/self/mountinfo`. */
  readonly mountInfo: string;
  /** Of `/proc/self/cgroup`. */
  readonly cgroup: string;
  /** Of `cgroup.controllers` in a folder; empty where there is none. */
  readControllers(root: string): string;
}

/** The hierarchies mounted on this host, as far as this process can see them. */
export function readHierarchies(): readonly CgroupHierarchy[] {
  return parseHierarchies({
    mountInfo: readText("/proc/self/mountinfo"),
    cgroup: readText("/proc/self/cgroup"),
    readControllers: (root) => readText(`${root}/cgroup.controllers`),
  });
}

/** The hierarchies that the kernel tells of. */
export function parseHierarchies(files: CgroupFiles): readonly CgroupHierarchy[] {
  return files.mountInfo.split("\n").flatMap((line): readonly CgroupHierarchy[] => {
    const [mount = "", source = ""] = line.split(" - ");
    const [, , , mountRoot = "/", root = ""] = mount.split(" ");
    const [type, , options = ""] = source.split(" ");
    if (type === "cgroup2") {
      const controllers = files.readControllers(root).trim().split(" ").filter((name) => name !== "");
      return [{
        version: 2,
        root,
        controllers,
        parents: withParents(root, below(ownGroup(files.cgroup, ""), mountRoot)),
      }];
    }
    if (type !== "cgroup") return [];
    const controllers = options.split(",").filter((option) => ownGroup(files.cgroup, option) !== undefined);
    const own = below(ownGroup(files.cgroup, controllers[0] ?? ""), mountRoot);
    return [{ version: 1, root, controllers, parents: [`${root}${own}`.replace(/\/$/, "")] }];
  });
}

/** The hierarchy that has a controller. */
export function findHierarchy(
  hierarchies: readonly CgroupHierarchy[],
  controller: string,
): CgroupHierarchy | undefined {
  return hierarchies.find(({ controllers }) => controllers.includes(controller));
}

/** Path of this process's group in the hierarchy of a controller; with the empty name, of version 2. */
function ownGroup(cgroup: string, controller: string): string | undefined {
  for (const line of cgroup.split("\n")) {
    const [, number, controllers = "", path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (controller === "" ? number === "0" : controllers.split(",").includes(controller)) return path;
  }
  return undefined;
}

/** What is left of a group's path below the group that is mounted. */
function below(group: string | undefined, mountRoot: string): string {
  if (group === undefined || group === "/" || group.startsWith("/..")) return "";
  if (mountRoot === "/") return group;
  return group.startsWith(`${mountRoot}/`) ? group.slice(mountRoot.length) : "";
}

function withParents(root: string, group: string): readonly string[] {
  const parts = group.split("/").filter((part) => part !== "");
  return parts.map((_, index) => `${root}/${parts.slice(0, parts.length - index).join("/")}`).concat(root);
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
