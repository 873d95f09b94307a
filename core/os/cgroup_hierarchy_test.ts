import { assertEquals } from "@std/assert";
import { findHierarchy, parseHierarchies } from "./cgroup_hierarchy.ts";

Deno.test("parseHierarchies() gives this process's group as parent when version 1 is mounted", () => {
  const hierarchies = parseHierarchies({
    mountInfo: "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n" +
      "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n36 31 0:33 / /mnt rw - tmpfs tmpfs rw\n",
    cgroup: "4:memory:/user/one\n1:cpu,cpuacct:/\n0::/other\n",
    readControllers: () => "",
  });
  assertEquals(hierarchies, [
    {
      version: 1,
      root: "/sys/fs/cgroup/cpu,cpuacct",
      controllers: ["cpu", "cpuacct"],
      parents: ["/sys/fs/cgroup/cpu,cpuacct"],
    },
    {
      version: 1,
      root: "/sys/fs/cgroup/memory",
      controllers: ["memory"],
      parents: ["/sys/fs/cgroup/memory/user/one"],
    },
  ]);
  assertEquals(findHierarchy(hierarchies, "memory")?.version, 1);
  assertEquals(findHierarchy(hierarchies, "pids"), undefined);
});

Deno.test("parseHierarchies() gives all groups up to the root as parents when version 2 is mounted", () => {
  const hierarchies = parseHierarchies({
    mountInfo: "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n",
    cgroup: "0::/user.slice/session-1.scope\n",
    readControllers: () => "cpu memory pids\n",
  });
  assertEquals(hierarchies, [{
    version: 2,
    root: "/sys/fs/cgroup",
    controllers: ["cpu", "memory", "pids"],
    parents: ["/sys/fs/cgroup/user.slice/session-1.scope", "/sys/fs/cgroup/user.slice", "/sys/fs/cgroup"],
  }]);
});

Deno.test("parseHierarchies() leaves out the part of a group's path that is above the mount", () => {
  const [hierarchy] = parseHierarchies({
    mountInfo: "35 31 0:32 /docker/x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
    cgroup: "4:memory:/docker/x/inner\n",
    readControllers: () => "",
  });
  assertEquals(hierarchy?.parents, ["/sys/fs/cgroup/memory/inner"]);
});
