/** The tar codec against GNU tar and Python's tarfile, in both directions. */
import { assertEquals, assertRejects } from "@std/assert";
import type { LayerEntry } from "../../core/contract/layer.ts";
import { collect } from "../../core/stream/collect.ts";
import { readArchive } from "../../core/tar/read_archive.ts";
import { writeTar } from "../../core/tar/write.ts";
import { createTestCall } from "../helpers/build_fixture.ts";
import { isMissing, peers } from "../helpers/require.ts";

const call = createTestCall();
const needsTar = isMissing(peers.tar, peers.python);
const needsRoot = isMissing(peers.tar, peers.python, "root");

/** One entry as every side can tell it; times in nanoseconds as text, contents as sha256. */
interface Facts {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: string;
  readonly size: number;
  readonly content: string;
  readonly target: string;
  readonly device: string;
  readonly xattrs: Readonly<Record<string, string>>;
}

/** Prints the facts of a directory, as JSON. The later names of a file are hard links to its first in path order. */
const listDirectory = `
import os, stat, sys, json, hashlib
root, out, seen = sys.argv[1], [], {}
for folder, folders, files in os.walk(root):
    for name in folders + files:
        full = os.path.join(folder, name)
        s = os.lstat(full)
        kind = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo",
                stat.S_IFCHR: "char", stat.S_IFBLK: "block"}[stat.S_IFMT(s.st_mode)]
        xattrs = {} if kind == "symlink" else {n: os.getxattr(full, n).hex() for n in os.listxattr(full)}
        content = hashlib.sha256(open(full, "rb").read()).hexdigest() if kind == "file" else ""
        device = "%d:%d" % (os.major(s.st_rdev), os.minor(s.st_rdev)) if kind in ("char", "block") else ""
        out.append(dict(path=os.path.relpath(full, root), type=kind, mode=stat.S_IMODE(s.st_mode), uid=s.st_uid, gid=s.st_gid,
            mtime=str(s.st_mtime_ns), size=s.st_size if kind == "file" else 0, content=content,
            target=os.readlink(full) if kind == "symlink" else "", device=device, xattrs=xattrs, key=[s.st_dev, s.st_ino, s.st_nlink]))
out.sort(key=lambda e: e["path"])
for e in out:
    dev, ino, links = e.pop("key")
    if e["type"] == "directory" or links < 2: continue
    first = seen.setdefault((dev, ino), e["path"])
    if first != e["path"]: e.update(type="hardlink", target=first, size=0, content="", device="", xattrs={})
print(json.dumps(out))
`;

/** Prints the facts of an archive as Python's tarfile reads it, as JSON. */
const listArchive = `
import tarfile, sys, json, hashlib
kinds = {b"0": "file", b"1": "hardlink", b"2": "symlink", b"3": "char", b"4": "block", b"5": "directory", b"6": "fifo"}
out = []
with tarfile.open(sys.argv[1]) as tar:
    for m in tar:
        kind = kinds[m.type]
        xattrs = {k[13:]: v.encode("utf-8", "surrogateescape").hex() for k, v in m.pax_headers.items() if k.startswith("SCHILY.xattr.")}
        content = hashlib.sha256(tar.extractfile(m).read()).hexdigest() if kind == "file" else ""
        device = "%d:%d" % (m.devmajor, m.devminor) if kind in ("char", "block") else ""
        out.append(dict(path=m.name, type=kind, mode=m.mode, uid=m.uid, gid=m.gid, mtime=str(round(m.mtime * 1e9)),
            size=m.size, content=content, target=m.linkname, device=device, xattrs=xattrs))
print(json.dumps(sorted(out, key=lambda e: e["path"])))
`;

/** Fills a directory with one of everything that an ordinary user can make, and as root with devices and owners too. */
const fillDirectory = `
import os, sys
root, level = sys.argv[1], sys.argv[2]
os.umask(0)
os.chdir(root)
def put(path, data, mode=0o644):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as f: f.write(data)
    os.chmod(path, mode)
put("plain.txt", b"hello")
put("empty", b"")
put("block", b"b" * 512)
put("odd", bytes(range(256)) * 5 + b"x", 0o4755)
put("large", os.urandom(700_001))
os.mkdir("dir", 0o1777)
put("dir/inner", b"inner", 0o600)
os.link("plain.txt", "twin")
os.link("plain.txt", "dir/triplet")
os.symlink("../plain.txt", "dir/link")
os.symlink("nowhere/at/all", "dangling")
if level != "old":
    os.mkfifo("pipe", 0o640)
    put("n" * 99, b"99"); put("n" * 100, b"100")
    put("d" * 90 + "/" + "f" * 90, b"split")
if level in ("full", "gnu"):
    put("p" * 180 + "/" + "q" * 200 + "/" + "r" * 101, b"long")
    os.symlink("t" * 150, "longlink")
    put("\\u00e4\\u00f6\\u65e5\\U0001f600.txt", b"utf8")
    os.symlink("\\u00fc", "utf8link")
    put("old", b"old"); 
    with open("sparse", "wb") as f:
        f.truncate(5_000_000)
        for at in range(0, 4_000_000, 65_536 * 4):
            f.seek(at); f.write(b"data%d" % at * 1000)
    with open("hole", "wb") as f: f.truncate(3_000_000)
if level == "full":
    os.setxattr("plain.txt", "user.text", b"value")
    os.setxattr("plain.txt", "user.binary", bytes(range(256)))
    os.setxattr("dir", "user.empty", b"")
if os.geteuid() == 0:
    os.chown("odd", 1234, 5678); os.chmod("odd", 0o6755)
    os.chown("dir", 65534, 65534)
    if level != "old":
        os.mknod("null", 0o020666, os.makedev(1, 3)); os.mknod("loop", 0o060660, os.makedev(7, 259))
    if level in ("full", "gnu"):
        os.chown("empty", 3_000_000, 4_000_000_000)
        os.lchown("dangling", 3_000_001, 7)
    if level == "full": os.setxattr("odd", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
times = [1_700_000_000_123_456_789, 0, 1_000_000_000_000_000_000, 5_000_000_000_500_000_000] if level == "full" else [1_700_000_000_000_000_000, 0, 987_654_321_000_000_000]
if level == "full": os.utime("old", ns=(0, -1_500_000_000))
if level == "gnu": os.utime("old", ns=(0, -2_000_000_000))
n = 0
for folder, folders, files in os.walk(".", topdown=False):
    for name in sorted(files) + sorted(folders):
        if name == "old": continue
        os.utime(os.path.join(folder, name), ns=(0, times[n % len(times)]), follow_symlinks=False); n += 1
`;

async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, stdout: "piped", stderr: "piped" })
    .output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} ${args.join(" ").slice(0, 200)}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

interface Place extends AsyncDisposable {
  readonly path: string;
}

async function temporary(): Promise<Place> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function factsOf(script: string, path: string): Promise<Facts[]> {
  return JSON.parse(await run("python3", "-c", script, path)) as Facts[];
}

async function hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

async function describe(entry: LayerEntry): Promise<Facts> {
  if (entry.type === "whiteout" || entry.type === "opaque") throw new Error("a tar has no whiteouts");
  const { path, type, mode, uid, gid } = entry;
  const content = entry.type !== "file"
    ? undefined
    : entry.content instanceof Uint8Array
    ? entry.content
    : await collect(await entry.content(), entry.size);
  return {
    path,
    type,
    mode,
    uid,
    gid,
    mtime: String(Math.round(entry.mtime * 1e9)),
    size: entry.type === "file" ? entry.size : 0,
    content: content === undefined ? "" : await hex(content),
    target: entry.type === "symlink" || entry.type === "hardlink" ? entry.target : "",
    device: entry.type === "char" || entry.type === "block" ? `${entry.major}:${entry.minor}` : "",
    xattrs: Object.fromEntries(Object.entries(entry.xattrs ?? {}).map(([name, value]) => [name, value.toHex()])),
  };
}

async function readFacts(archive: string): Promise<Facts[]> {
  const facts: Facts[] = [];
  const file = await Deno.open(archive);
  for await (const entry of readArchive(file.readable, call)) if (entry.path !== ".") facts.push(await describe(entry));
  return facts.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Facts as a double holds them: 200 ns are lost in times of today. A hard link's header repeats what its file has. */
function comparable(facts: readonly Facts[], isXattrKept: boolean): unknown[] {
  return [...facts].sort((a, b) => (a.path < b.path ? -1 : 1)).map((fact) => ({
    ...fact,
    mtime: Math.round(Number(fact.mtime) / 1000),
    xattrs: isXattrKept && fact.type !== "hardlink" ? fact.xattrs : {},
  }));
}

async function fill(place: Place, level: string): Promise<string> {
  const tree = `${place.path}/tree`;
  await Deno.mkdir(tree);
  await run("python3", "-c", fillDirectory, tree, level);
  return tree;
}

const formats: readonly (readonly [name: string, level: string, ...flags: string[]])[] = [
  ["posix", "full", "--format=posix", "--xattrs", "--xattrs-include=*"],
  ["posix sparse 0.0", "full", "--format=posix", "--xattrs", "--xattrs-include=*", "--sparse", "--sparse-version=0.0"],
  ["posix sparse 0.1", "full", "--format=posix", "--xattrs", "--xattrs-include=*", "--sparse", "--sparse-version=0.1"],
  ["posix sparse 1.0", "full", "--format=posix", "--xattrs", "--xattrs-include=*", "--sparse", "--sparse-version=1.0"],
  ["gnu", "gnu", "--format=gnu"],
  ["gnu sparse", "gnu", "--format=gnu", "--sparse"],
  ["oldgnu sparse", "gnu", "--format=oldgnu", "--sparse"],
  ["ustar", "ustar", "--format=ustar"],
  ["v7", "old", "--format=v7"],
  ["posix gzip", "full", "--format=posix", "--xattrs", "--xattrs-include=*", "--gzip"],
];

for (const [name, level, ...flags] of formats) {
  Deno.test(`readArchive() gives what GNU tar ${name} holds`, { ignore: needsTar }, async () => {
    await using place = await temporary();
    const tree = await fill(place, level);
    const archive = `${place.path}/out.tar`;
    await run("tar", "-C", tree, "--sort=name", ...flags, "-cf", archive, ".");
    assertEquals(comparable(await readFacts(archive), true), comparable(await factsOf(listDirectory, tree), true));
  });
}

const pythonFormats = ["PAX_FORMAT", "GNU_FORMAT", "USTAR_FORMAT"];
for (const format of pythonFormats) {
  Deno.test(`readArchive() gives what Python's tarfile ${format} holds`, { ignore: needsTar }, async () => {
    await using place = await temporary();
    const tree = await fill(place, format === "PAX_FORMAT" ? "full" : format === "GNU_FORMAT" ? "gnu" : "ustar");
    const archive = `${place.path}/out.tar`;
    const script = `import tarfile, sys, os
with tarfile.open(sys.argv[2], "w", format=tarfile.${format}) as tar:
    for name in sorted(os.listdir(sys.argv[1])): tar.add(os.path.join(sys.argv[1], name), name)
`;
    await run("python3", "-c", script, tree, archive);
    const facts = await readFacts(archive);
    assertEquals(comparable(facts, true), comparable(await factsOf(listArchive, archive), true));
    // tarfile knows no extended attributes and takes links in another order, so only the rest is compared with the tree.
    const withoutLinks = (all: readonly Facts[]): unknown[] =>
      comparable(all, false).filter((fact) => !/twin|triplet|plain\.txt|old/.test(String((fact as Facts).path)));
    assertEquals(withoutLinks(facts), withoutLinks(await factsOf(listDirectory, tree)));
  });
}

/** Entries that reach every corner of the writer. */
function* corners(): Generator<LayerEntry> {
  const meta = { mode: 0o644, uid: 0, gid: 0, mtime: 1_700_000_000 };
  const bytes = new TextEncoder().encode("content");
  const file = (path: string, more: Partial<LayerEntry> = {}): LayerEntry =>
    ({ ...meta, type: "file", path, size: bytes.length, content: bytes, ...more }) as LayerEntry;
  yield { ...meta, type: "directory", path: "dir", mode: 0o1755 };
  yield file("dir/file", { mode: 0o4755 });
  yield file("empty", { size: 0, content: new Uint8Array(0) });
  const large = new Uint8Array(3_000_001).map((_, i) => i * 31 >> 3);
  yield file("large", { size: large.length, content: () => Promise.resolve(new Blob([large]).stream()) });
  yield { ...meta, type: "symlink", path: "link", mode: 0o777, target: "../else/where" };
  yield { ...meta, type: "symlink", path: "longlink", mode: 0o777, target: "t".repeat(300) };
  yield { ...meta, type: "symlink", path: "ünïlink", mode: 0o777, target: "zïel" };
  yield { ...meta, type: "hardlink", path: "twin", target: "dir/file", mode: 0o4755 };
  yield { ...meta, type: "fifo", path: "pipe" };
  yield { ...meta, type: "char", path: "null", major: 1, minor: 3 };
  yield { ...meta, type: "block", path: "disk", major: 259, minor: 1_048_575 };
  for (const length of [99, 100, 101, 155, 156, 255]) yield file("n".repeat(length));
  yield { ...meta, type: "directory", path: "d".repeat(100) };
  yield { ...meta, type: "directory", path: `${"e".repeat(155)}/${"f".repeat(99)}` };
  yield file(`${"a".repeat(155)}/${"b".repeat(100)}`);
  yield file(`${"a".repeat(156)}/${"b".repeat(100)}`);
  yield file(`${"x".repeat(200)}/${"y".repeat(200)}/${"z".repeat(200)}`);
  yield file("日本語/😀");
  yield file("owned", { uid: 2_097_151, gid: 2_097_151 });
  yield file("owned far", { uid: 2_097_152, gid: 4_294_967_294 });
  yield file("fraction", { mtime: 1_700_000_000.25 });
  yield file("before", { mtime: -1.5 });
  yield file("long before", { mtime: -2_000_000_000 });
  yield file("long after", { mtime: 10_000_000_000 });
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  yield file("attributes", {
    xattrs: { "user.b": all, "user.a": new Uint8Array([10]), "user.empty": new Uint8Array(0) },
  });
}

async function* each(entries: Iterable<LayerEntry>): AsyncGenerator<LayerEntry> {
  yield* entries;
}

async function writeCorners(path: string): Promise<Facts[]> {
  await Deno.writeFile(path, writeTar(each(corners()), call));
  const facts: Facts[] = [];
  for (const entry of corners()) facts.push(await describe(entry));
  return facts;
}

Deno.test("writeTar() makes what Python's tarfile reads back", { ignore: needsTar }, async () => {
  await using place = await temporary();
  const facts = await writeCorners(`${place.path}/out.tar`);
  assertEquals(
    comparable(await factsOf(listArchive, `${place.path}/out.tar`), true).map(withoutBinary),
    comparable(facts, true).map(withoutBinary),
  );
});

/** tarfile drops records with empty values, and decodes binary ones its own way. */
function withoutBinary(fact: unknown): unknown {
  return { ...fact as Facts, xattrs: {} };
}

Deno.test("writeTar() makes what GNU tar extracts", { ignore: needsRoot }, async () => {
  await using place = await temporary();
  const facts = await writeCorners(`${place.path}/out.tar`);
  await Deno.mkdir(`${place.path}/tree`);
  await run(
    "tar",
    "-C",
    `${place.path}/tree`,
    "--xattrs",
    "--xattrs-include=*",
    "--same-owner",
    "-xpf",
    `${place.path}/out.tar`,
  );
  const found = await factsOf(listDirectory, `${place.path}/tree`);
  const named = new Set(facts.map((fact) => fact.path));
  assertEquals(comparable(found.filter((fact) => named.has(fact.path)), true), comparable(facts, true));
});

Deno.test("writeTar() makes what readArchive() reads back", async () => {
  await using place = await temporary();
  const facts = await writeCorners(`${place.path}/out.tar`);
  assertEquals(comparable(await readFacts(`${place.path}/out.tar`), true), comparable(facts, true));
});

const compressors = [
  ["gzip", "gzip -c", peers.tar],
  ["zstd", "zstd -q -c", peers.zstd],
  ["zstd of several frames", "split -b 100000 --filter='zstd -q -c' -", peers.zstd],
  ["bzip2", "bzip2 -c", peers.bzip2],
  ["xz", "xz -c", peers.xz],
  ["xz of several blocks", "xz -T2 --block-size=100KiB -c", peers.xz],
] as const;

for (const [name, command, peer] of compressors) {
  Deno.test(
    `readArchive() reads what ${name} compressed, and refuses it cut off`,
    { ignore: isMissing(peer) },
    async () => {
      await using place = await temporary();
      const [plain, packed, cut] = ["plain.tar", "packed", "cut"].map((file) => `${place.path}/${file}`) as [
        string,
        string,
        string,
      ];
      const facts = await writeCorners(plain);
      await run("sh", "-c", `${command} < ${plain} > ${packed}`);
      assertEquals(comparable(await readFacts(packed), true), comparable(facts, true));
      const bytes = await Deno.readFile(packed);
      await Deno.writeFile(cut, bytes.subarray(0, bytes.length - 9));
      await assertRejects(() => readFacts(cut), Error, "Cannot decompress");
    },
  );
}
