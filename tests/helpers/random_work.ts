import { openRoot, openSnapshotWriter, type Root, type SnapshotWriter } from "../../core/os/file_system.ts";
import type { FileType } from "../../core/os/file_stat.ts";
import { pick, type Random } from "./random_layer.ts";

interface Found {
  readonly path: string;
  readonly type: FileType;
}

/** What is in a directory that is being worked in. */
class Place {
  readonly root: Root;
  readonly writer: SnapshotWriter;
  readonly random: Random;

  constructor(root: Root, writer: SnapshotWriter, random: Random) {
    this.root = root;
    this.writer = writer;
    this.random = random;
  }

  /** All files, parents first. */
  all(path = "."): Found[] {
    const scan = this.root.scan(path);
    return [...scan.names.entries()].sort(([, a], [, b]) => a < b ? -1 : 1).flatMap(([index, name]) => {
      const child = path === "." ? name : `${path}/${name}`;
      const type = scan.type(index);
      return [{ path: child, type }, ...(type === "directory" ? this.all(child) : [])];
    });
  }

  /** One of the files of some kinds. */
  some(...types: readonly FileType[]): string | undefined {
    const found = this.all().filter(({ type }) => types.length === 0 || types.includes(type));
    return found[this.random(found.length)]?.path;
  }

  /** A name in some directory, which may be in use. */
  place(): string {
    const folders = [".", ...this.all().filter(({ type }) => type === "directory").map(({ path }) => path)];
    const folder = folders.filter((path) => path.split("/").length < 4)[this.random(folders.length)] ?? ".";
    const name = pick(this.random, ["a", "b", "c", "d", "e"]);
    return folder === "." ? name : `${folder}/${name}`;
  }

  /** A name in some directory that is not in use. */
  free(): string | undefined {
    const path = this.place();
    return this.root.lstat(path) === undefined ? path : undefined;
  }

  host(path: string): string {
    return `${this.root.path}/${path}`;
  }

  text(): Uint8Array<ArrayBuffer> {
    return new TextEncoder().encode(pick(this.random, ["", "one", "two", "something longer", "x".repeat(5000)]));
  }
}

type Deed = (place: Place) => void;

const attributesOf = ({ random }: Place): { mode: number; owner: { uid: number; gid: number }; mtime: number } => ({
  mode: pick(random, [0o644, 0o755, 0o700, 0o4755, 0o2711]),
  owner: { uid: random(3), gid: random(3) },
  mtime: random(1_000_000),
});

function makeFile(place: Place): void {
  const path = place.free();
  if (path !== undefined) place.writer.writeFile(path, place.text(), attributesOf(place));
}

function makeFolder(place: Place): void {
  const path = place.free();
  if (path === undefined) return;
  place.writer.makeDirectory(path);
  if (place.random(2) === 0) place.writer.setDirectory(path, attributesOf(place));
}

function makeOther(place: Place): void {
  const path = place.free();
  if (path === undefined) return;
  const kind = place.random(4);
  if (kind < 2) place.writer.symlink(pick(place.random, ["a", "b/c", "../a", "/a"]), path);
  else if (kind === 2) place.writer.makeNode(path, { type: "fifo", major: 0, minor: 0 });
  else place.writer.makeNode(path, { type: "char", major: 1, minor: 3 });
}

function edit(place: Place): void {
  const path = place.some("file");
  if (path === undefined) return;
  using file = Deno.openSync(place.host(path), {
    write: true,
    ...pick<Deno.OpenOptions>(place.random, [{ truncate: true }, { append: true }, {}]),
  });
  file.writeSync(place.text());
}

/** A change of content that neither size nor time show. */
function editUnseen(place: Place): void {
  const path = place.some("file");
  const stat = path === undefined ? undefined : place.root.lstat(path);
  if (path === undefined || stat === undefined || stat.size === 0) return;
  {
    using file = Deno.openSync(place.host(path), { write: true });
    file.writeSync(Uint8Array.of(65 + place.random(26)));
  }
  place.writer.setTime(path, stat);
}

function openOnly(place: Place): void {
  const path = place.some("file");
  if (path !== undefined) Deno.openSync(place.host(path), { read: true, write: true }).close();
}

function remove(place: Place): void {
  const path = place.some();
  if (path !== undefined) place.writer.removeAll(path);
}

function replaceFolder(place: Place): void {
  const path = place.some("directory");
  if (path === undefined) return;
  place.writer.removeAll(path);
  place.writer.makeDirectory(path);
  place.writer.writeFile(`${path}/${pick(place.random, ["a", "b", "c"])}`, place.text(), attributesOf(place));
}

function replaceKind(place: Place): void {
  const path = place.some();
  if (path === undefined) return;
  const type = place.root.lstat(path)?.type;
  place.writer.removeAll(path);
  if (type === "directory") place.writer.writeFile(path, place.text(), attributesOf(place));
  else place.writer.makeDirectory(path);
}

function describe(place: Place): void {
  const path = place.some();
  if (path !== undefined) place.writer.setAttributes(path, attributesOf(place));
}

function touch(place: Place): void {
  const path = place.some();
  if (path !== undefined) {
    place.writer.setTime(path, { mtimeSeconds: place.random(1000), mtimeNanos: place.random(10) * 1e8 });
  }
}

function note(place: Place): void {
  const path = place.some("file", "directory");
  if (path === undefined) return;
  if (place.random(2) === 0) place.writer.removeXattr(path, "user.note");
  else place.writer.setXattr(path, "user.note", pick(place.random, ["", "x", "y"]));
}

function empower(place: Place): void {
  const path = place.some("file");
  if (path !== undefined) place.writer.setXattr(path, "security.capability", "\x01\0\0\x02\0\x20".padEnd(20, "\0"));
}

function link(place: Place): void {
  const [existing, path] = [place.some("file", "file", "file", "symlink", "fifo"), place.free()];
  if (existing !== undefined && path !== undefined) place.writer.link(existing, path);
}

function rename(place: Place): void {
  const [from, to] = [place.some("file", "symlink", "char"), place.place()];
  if (from === undefined || place.root.lstat(to)?.type === "directory") return;
  place.writer.lstat(from);
  Deno.renameSync(place.host(from), place.host(to));
}

/** Moves a directory as programs do it where a rename is refused: what is in it is moved one by one. */
function moveFolder(place: Place): void {
  const [from, to] = [place.some("directory"), place.free()];
  if (from === undefined || to === undefined || `${to}/`.startsWith(`${from}/`)) return;
  const move = (path: string, target: string): void => {
    place.writer.makeDirectory(target);
    for (const name of [...place.root.scan(path).names].sort()) {
      const [source, goal] = [`${path}/${name}`, `${target}/${name}`];
      if (place.root.lstat(source)?.type === "directory") move(source, goal);
      else Deno.renameSync(place.host(source), place.host(goal));
    }
    const stat = place.root.lstat(path);
    if (stat !== undefined) {
      place.writer.setDirectory(target, {
        mode: stat.mode,
        owner: { uid: stat.uid, gid: stat.gid },
        mtime: stat.mtimeSeconds,
      });
    }
    place.writer.removeAll(path);
  };
  move(from, to);
}

const deeds: readonly [Deed, ...Deed[]] = [
  makeFile,
  makeFile,
  makeFolder,
  makeFolder,
  makeOther,
  edit,
  edit,
  editUnseen,
  openOnly,
  openOnly,
  remove,
  replaceFolder,
  replaceKind,
  describe,
  touch,
  note,
  empower,
  link,
  link,
  rename,
  moveFolder,
];

/** Does one thing after the other in a directory; the same things for the same numbers. Gives what was done. */
export function workAtRandom(directory: string, random: Random): readonly string[] {
  using root = openRoot(directory);
  using writer = openSnapshotWriter(directory);
  const place = new Place(root, writer, random);
  const done: string[] = [];
  for (let left = 1 + random(25); left > 0; left--) {
    const deed = pick(random, deeds);
    done.push(deed.name);
    deed(place);
  }
  return done;
}
