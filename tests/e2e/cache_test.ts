/** Cache mounts as a user sees them: what lists, prunes, carries and counts them, with GNU tar and Python's tarfile as witnesses. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openMountStore } from "../../core/snapshot/mount_store.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { mustRun, runStrata, type TempFolder, tempFolder } from "../helpers/strata.ts";
import { testCall } from "../helpers/temp_engine.ts";

interface Place extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly root: string;
  /** Makes a cache mount with a file, as a command does. */
  make(id: string, text: string): Promise<string>;
}

async function place(): Promise<Place> {
  const folder = await tempFolder();
  const root = `${folder.path}/root`;
  return {
    folder,
    root,
    async make(id, text): Promise<string> {
      using lease = await openMountStore(root, () => new Date()).acquire({ id, sharing: "shared" }, testCall());
      await Deno.writeTextFile(`${lease.path}/file`, text);
      lease.commitNew();
      return lease.path;
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, stdout: "piped", stderr: "piped" })
    .output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

Deno.test("cache ls and system df show cache mounts beside layers", async () => {
  await using at = await place();
  const { root, folder } = at;
  await folder.write({ "src/Dockerfile": "FROM scratch\nCOPY Dockerfile /\n" });
  await mustRun({ root }, "build", "-q", "-t", "app", `${folder.path}/src`);
  await at.make("/root/.npm", "12345");
  const { stdout } = await mustRun({ root }, "cache", "ls");
  const [head = "", layer = "", mount = ""] = stdout.split("\n");
  assertMatch(head, /^CACHE ID +TYPE +CREATED +LAST USED +SIZE +IN USE +INSTRUCTION OR MOUNT$/);
  assertMatch(layer, /^[0-9a-f]{12} +layer .* N\/A .* yes .*COPY Dockerfile \/$/);
  assertMatch(mount, /^[0-9a-f]{12} +mount .* ago .* ago +5B +no +\/root\/\.npm$/);
  const rows = (await mustRun({ root }, "cache", "ls", "--format", "json")).stdout.trim().split("\n").map((line) =>
    JSON.parse(line)
  );
  assertEquals(rows.map(({ Type, Size }) => [Type, Size][0]), ["layer", "mount"]);
  assertMatch((await mustRun({ root }, "cache", "ls", "-q")).stdout, /^[0-9a-f]{64}\n[0-9a-f]{64}\n$/);
  assertMatch(
    (await mustRun({ root }, "system", "df")).stdout,
    /\nCache Mounts +1 +0 +5B +5B \(100%\)\nSnapshots +0 +0 +0B +0B\n$/,
  );
  const verbose = JSON.parse((await mustRun({ root }, "system", "df", "-v", "--format=json")).stdout);
  assertEquals(verbose.CacheMounts.map(({ Description }: { Description: string }) => Description), ["/root/.npm"]);
  assertMatch((await mustRun({ root }, "system", "df", "-v")).stdout, / mount +.*\/root\/\.npm\n$/);
});

Deno.test("cache prune removes mounts by type and age, says what it would do and refuses wrong filters", async () => {
  await using at = await place();
  const { root } = at;
  await at.make("npm", "12345");
  const refused = await runStrata({ root }, "cache", "prune", "-f", "--filter", "type=x");
  assertEquals(refused.code, 2);
  assertStringIncludes(refused.stderr, 'Cannot read filter "type=x": expected layer or mount');
  const dry = await mustRun({ root }, "cache", "prune", "--dry-run", "--filter", "type=mount");
  assertMatch(dry.stdout, /^[0-9a-f]{64}\nTotal reclaimable space: 5B\n$/);
  const young = await mustRun({ root }, "cache", "prune", "-f", "--filter", "type=mount", "--filter", "until=1h");
  assertEquals(young.stdout, "Total reclaimed space: 0B\n");
  assertEquals((await runStrata({ root }, "cache", "prune")).code, 2);
  const real = await mustRun({ root }, "cache", "prune", "-f");
  assertEquals(real.stdout, dry.stdout.replace("reclaimable", "reclaimed"));
  assertEquals((await mustRun({ root }, "cache", "ls", "-q")).stdout, "");
});

Deno.test("cache export and import carry mounts through files and pipes; reset removes them", async () => {
  await using at = await place();
  const { root, folder } = at;
  await at.make("npm", "1");
  await at.make("go", "2");
  const other = `${folder.path}/other`;
  const file = `${folder.path}/cache.tar`;
  const written = await mustRun({ root }, "cache", "export", "-o", file, "npm");
  assertEquals(written.stdout, "Exported cache mount: npm\n");
  assertEquals((await mustRun({ root: other }, "cache", "import", "-i", file)).stdout, "Imported cache mount: npm\n");
  const { stdout } = await mustRun({ root }, "cache", "export");
  const imported = await mustRun({ root: other, stdin: stdout }, "cache", "import");
  assertEquals(imported.stdout.trim().split("\n").sort(), ["Imported cache mount: go", "Imported cache mount: npm"]);
  const absent = await runStrata({ root }, "cache", "export", "absent");
  assertEquals([absent.code, absent.stdout], [1, ""]);
  assertStringIncludes(absent.stderr, 'Cannot find cache mount "absent": no such id or name');
  const bad = await runStrata({ root: other, stdin: "no archive" }, "cache", "import");
  assertEquals(bad.code, 2);
  assertStringIncludes(bad.stderr, "hint: Give an archive that strata cache export wrote");
  assertEquals((await runStrata({ root }, "cache", "import", "-i", `${folder.path}/absent`)).code, 1);
  const reset = await mustRun({ root: other }, "system", "reset", "-f");
  assertMatch(reset.stdout, /^Removed 0 images, 0 cache records and 2 cache mounts\n/);
  assertEquals((await mustRun({ root: other }, "cache", "ls", "-q")).stdout, "");
});

/** Fills a directory with every kind of file that a command can leave. */
const fillScript = `
import os, sys
os.chdir(sys.argv[1])
os.remove("file")
os.makedirs("dir/ümläut " + "n" * 120)
open("dir/a", "w").write("a")
os.link("dir/a", "dir/b")
os.symlink("/etc/passwd", "dir/link")
os.mkfifo("pipe")
os.mknod("device", 0o20600, os.makedev(1, 3))
open("sparse", "w").truncate(3 << 20)
open("setuid", "w").close()
os.setxattr("setuid", "user.note", b"\\x00\\xffx")
os.setxattr("dir", "user.dir", b"1")
os.setxattr("setuid", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
for path, uid in (("setuid", 65534), ("dir", 3000000)):
    os.chown(path, uid, uid + 1)
os.setxattr("setuid", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
os.chmod("setuid", 0o4755)
os.chmod("dir", 0o1555)
os.chmod(".", 0o2770)
for path, time in (("dir/a", 1_500_000_000_123456000), ("setuid", 0), ("dir/link", 1_000_000_000_000000000), ("dir", 7), (".", 1_234_567_890_000001000)):
    os.utime(path, ns=(0, time // 1000 * 1000), follow_symlinks=False)
`;

/** Tells everything about the files below a directory, as lines. */
const factsScript = `
import os, stat, sys, hashlib
root, inodes = sys.argv[1], {}
for folder, folders, files in [(root, ["."], [])] + sorted(os.walk(root)):
    for name in sorted(folders + files):
        path = os.path.normpath(os.path.join(folder, name))
        s = os.lstat(path)
        is_link = stat.S_ISLNK(s.st_mode)
        content = hashlib.sha256(open(path, "rb").read()).hexdigest()[:8] if stat.S_ISREG(s.st_mode) else os.readlink(path) if is_link else ""
        first = inodes.setdefault(s.st_ino, os.path.relpath(path, root))
        xattrs = [] if is_link else [(n, os.getxattr(path, n).hex()) for n in sorted(os.listxattr(path))]
        print(os.path.relpath(path, root), oct(s.st_mode), s.st_uid, s.st_gid, s.st_mtime_ns // 1000, s.st_rdev, first, content, xattrs)
`;

/** Tells the members of an archive as Python's tarfile reads them, below a prefix. */
const membersScript = `
import tarfile, sys
kinds = {b"0": "file", b"1": "hardlink", b"2": "symlink", b"3": "char", b"5": "directory", b"6": "fifo"}
with tarfile.open(sys.argv[1]) as tar:
    for m in tar: print(m.name.split("/", 2)[2], kinds[m.type], oct(m.mode), m.uid, m.linkname.split("/", 2)[-1] or "-")
`;

Deno.test({
  name: "cache export keeps owners, modes, times, links, devices and attributes for GNU tar, Python and cache import",
  ignore: isMissing(peers.tar, peers.python, "root"),
  async fn(): Promise<void> {
    await using at = await place();
    const { root, folder } = at;
    const data = await at.make("m", "x");
    await run("python3", "-c", fillScript, data);
    const facts = await run("python3", "-c", factsScript, data);
    const file = `${folder.path}/cache.tar`;
    await mustRun({ root }, "cache", "export", "-o", file);
    const members = (await run("python3", "-c", membersScript, file)).trim().split("\n");
    assertEquals(members.filter((line) => !line.includes("ümläut")), [
      "meta.json file 0o600 0 -",
      "data directory 0o2770 0 -",
      "data/device char 0o600 0 -",
      "data/dir directory 0o1555 3000000 -",
      "data/dir/a file 0o644 0 -",
      "data/dir/b hardlink 0o644 0 data/dir/a",
      "data/dir/link symlink 0o777 0 passwd",
      "data/pipe fifo 0o644 0 -",
      "data/setuid file 0o4755 65534 -",
      "data/sparse file 0o644 0 -",
    ]);
    const extracted = `${folder.path}/extracted`;
    await Deno.mkdir(extracted);
    await run("tar", "--xattrs", "--xattrs-include=*", "-xpf", file, "-C", extracted);
    const [name = ""] = [...Deno.readDirSync(`${extracted}/mounts`)].map((entry) => entry.name);
    assertEquals(await run("python3", "-c", factsScript, `${extracted}/mounts/${name}/data`), facts);
    const other = `${folder.path}/other`;
    await mustRun({ root: other }, "cache", "import", "-i", file);
    assertEquals(await run("python3", "-c", factsScript, `${other}/mounts/${name}/data`), facts);
    // What GNU tar packs again, in another order and compressed, is as good.
    const again = `${folder.path}/again.tar.gz`;
    await run("tar", "--xattrs", "--xattrs-include=*", "--format=posix", "-czf", again, "-C", extracted, "mounts");
    await mustRun({ root: `${folder.path}/third` }, "cache", "import", "-i", again);
    assertEquals(await run("python3", "-c", factsScript, `${folder.path}/third/mounts/${name}/data`), facts);
  },
});
