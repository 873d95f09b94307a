import { assertEquals, assertThrows } from "@std/assert";
import { isMissing } from "../../tests/helpers/require.ts";
import { EngineError } from "../errors.ts";
import { openRoot, openSnapshotWriter } from "../os/file_system.ts";
import { MountPoints } from "./mount_points.ts";

// Owners are set.
const ignore = isMissing("root");
const longAgo = new Date(1_000_000_000_000);

/** Runs something between making and restoring, as a command does; gives what is there then. */
async function around(
  options: { readonly before?: (path: string) => void; readonly run?: (path: string) => void },
  make: (points: MountPoints) => void,
): Promise<readonly string[]> {
  const directory = await Deno.makeTempDir();
  try {
    options.before?.(directory);
    {
      using root = openRoot(directory);
      using writer = openSnapshotWriter(directory);
      const points = new MountPoints(root, writer);
      make(points);
      options.run?.(directory);
      using after = openRoot(directory);
      using late = openSnapshotWriter(directory);
      points.restore(after, late);
    }
    return list(directory, "");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function list(directory: string, below: string): readonly string[] {
  const names = [...Deno.readDirSync(`${directory}/${below}`)].sort((a, b) => a.name < b.name ? -1 : 1);
  return names.flatMap(({ name, isDirectory }) => {
    const path = below === "" ? name : `${below}/${name}`;
    return isDirectory ? [`${path}/`, ...list(directory, path)] : [path];
  });
}

Deno.test({
  name: "make() makes what is missing, and restore() takes it away",
  ignore,
  async fn(): Promise<void> {
    const seen: (readonly string[])[] = [];
    const left = await around({
      before: (path) => Deno.mkdirSync(`${path}/etc`),
      run: (path) => seen.push(list(path, "")),
    }, (points) => {
      assertEquals(points.make("/etc/hosts", "file"), "/etc/hosts");
      assertEquals(points.make("/a/b/c", "directory"), "/a/b/c");
      assertEquals(points.made(), ["etc/hosts", "a", "a/b", "a/b/c"]);
    });
    assertEquals(seen, [["a/", "a/b/", "a/b/c/", "etc/", "etc/hosts"]]);
    assertEquals(left, ["etc/"]);
  },
});

Deno.test({
  name: "restore() leaves what was there, and what something was put into",
  ignore,
  async fn(): Promise<void> {
    const left = await around({
      before: (path) => {
        Deno.mkdirSync(`${path}/old`);
        Deno.writeTextFileSync(`${path}/old/hosts`, "");
      },
      run: (path) => {
        Deno.writeTextFileSync(`${path}/new/full`, "x");
        Deno.writeTextFileSync(`${path}/file`, "x");
      },
    }, (points) => {
      points.make("/old/hosts", "file");
      points.make("/new/empty", "directory");
      points.make("/file", "file");
    });
    assertEquals(left, ["file", "new/", "new/full", "old/", "old/hosts"]);
  },
});

Deno.test({
  name: "restore() leaves what a command put in the place of what was made",
  ignore,
  async fn(): Promise<void> {
    const left = await around({
      run: (path) => {
        Deno.removeSync(`${path}/a`);
        Deno.symlinkSync("elsewhere", `${path}/a`);
        Deno.removeSync(`${path}/b`);
        Deno.mkdirSync(`${path}/b`);
      },
    }, (points) => {
      points.make("/a", "directory");
      points.make("/b", "file");
    });
    assertEquals(left, ["a", "b/"]);
  },
});

Deno.test({
  name: "restore() works on the directory that a command has put in the place of another one",
  ignore,
  async fn(): Promise<void> {
    const left = await around({
      before: (path) => Deno.mkdirSync(`${path}/etc`),
      run: (path) => {
        Deno.renameSync(`${path}/etc`, `${path}/etc.old`);
        Deno.mkdirSync(`${path}/etc`);
        Deno.writeTextFileSync(`${path}/etc/hosts`, "");
      },
    }, (points) => void points.make("/etc/hosts", "file"));
    assertEquals(left, ["etc/", "etc.old/", "etc.old/hosts"]);
  },
});

Deno.test({
  name: "restore() gives a directory the time it had, unless a command has changed it",
  ignore,
  async fn(): Promise<void> {
    const times: number[] = [];
    const inTheMiddle = new Date(1_500_000_000_000);
    const directory = await Deno.makeTempDir();
    try {
      for (const name of ["quiet", "changed"]) {
        Deno.mkdirSync(`${directory}/${name}`);
        Deno.utimeSync(`${directory}/${name}`, longAgo, longAgo);
      }
      using root = openRoot(directory);
      using writer = openSnapshotWriter(directory);
      const points = new MountPoints(root, writer);
      for (const name of ["quiet", "changed"]) {
        points.make(`/${name}/one`, "directory");
        points.make(`/${name}/two`, "file");
      }
      Deno.utimeSync(`${directory}/changed`, inTheMiddle, inTheMiddle);
      points.restore(root, writer);
      for (const name of ["quiet", "changed"]) times.push(Number(Deno.statSync(`${directory}/${name}`).mtime));
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
    assertEquals(times, [Number(longAgo), Number(inTheMiddle)]);
  },
});

Deno.test({
  name: "make() follows symlinks inside the root, and refuses another kind",
  ignore,
  fn: () =>
    around({
      before: (path) => {
        Deno.mkdirSync(`${path}/run`);
        Deno.symlinkSync("/run/../../../run", `${path}/var`);
        Deno.writeTextFileSync(`${path}/file`, "");
      },
    }, (points) => {
      assertEquals(points.make("/var/lock", "directory"), "/run/lock");
      assertEquals(points.resolve("/var/absent/../x"), "/run/x");
      assertEquals(points.make("/", "directory"), "/");
      const wrong = [["/file", "directory"], ["/run", "file"], ["/file/below", "directory"]] as const;
      for (const [target, kind] of wrong) {
        assertEquals(assertThrows(() => points.make(target, kind), EngineError).code, "CONFLICT");
      }
    }).then((left) => assertEquals(left, ["file", "run/", "var"])),
});
