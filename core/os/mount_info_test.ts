import { assertEquals } from "@std/assert";
import { readMountOptions } from "./mount_info.ts";

const info = String.raw`21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 21 0:30 / /data rw,nosuid - tmpfs tmpfs rw
31 30 0:31 / /data/with\040space ro,nodev - overlay overlay rw
32 30 0:32 / /data/twice rw - tmpfs tmpfs rw
33 32 0:33 / /data/twice rw,nodev - tmpfs tmpfs rw
`;

Deno.test("readMountOptions() gives the innermost mount's when several hold a path", () => {
  assertEquals(readMountOptions("/data/with space/x", info), ["ro", "nodev"]);
  assertEquals(readMountOptions("/data/x", info), ["rw", "nosuid"]);
  assertEquals(readMountOptions("/database", info), ["rw", "relatime"]);
});

Deno.test("readMountOptions() gives the topmost mount's when several are on a point", () => {
  assertEquals(readMountOptions("/data/twice", info), ["rw", "nodev"]);
});

Deno.test("readMountOptions() gives undefined when there is no mount", () => {
  assertEquals(readMountOptions("/x", ""), undefined);
});
