import type { Files, FileSpec } from "./case.ts";

function link(target: string): FileSpec {
  return { type: "symlink", target };
}

/** What `setcap cap_net_bind_service=ep` sets. */
const capability = "\x01\0\0\x02\0\x04\0\0" + "\0".repeat(12);

/** Members of the archives that ADD unpacks: every kind of file, owners, modes, attributes and links. */
const members: Files = {
  "bin/": { type: "directory", mode: 0o711, uid: 7, gid: 8 },
  "bin/tool": { type: "file", text: "tool\n", mode: 0o4755, uid: 7, gid: 8, mtime: 1_000_000_001 },
  "bin/same": { type: "hardlink", target: "bin/tool", mode: 0o4755, uid: 7, gid: 8, mtime: 1_000_000_001 },
  "bin/alias": { ...link("tool"), uid: 7, gid: 8, mode: 0o777 },
  "bin/absolute": { ...link("/etc/passwd"), mode: 0o777 },
  "var/missing/parent.txt": { type: "file", text: "parent\n", mode: 0o600, uid: 1001, gid: 1002, mtime: 1_234_567_890 },
  "xattr.txt": { type: "file", text: "x\n", xattrs: { "user.note": "from a tar" } },
  "capable": { type: "file", text: "c\n", mode: 0o755, xattrs: { "security.capability": capability } },
  [`long/${"n".repeat(120)}/${"m".repeat(130)}.txt`]: "long\n",
  "ünïcode.txt": "unicode\n",
};

const devices: Files = {
  "dev/null": { type: "char", major: 1, minor: 3, mode: 0o666 },
  "dev/sda": { type: "block", major: 8, minor: 0, mode: 0o660, gid: 6 },
  "dev/pipe": { type: "fifo", mode: 0o640, uid: 3 },
};

/** Files that every context holds: types, modes, owners, times, links and names that the rules of COPY and ADD turn on. */
export const commonFiles: Files = {
  "a.txt": "alpha\n",
  "b.txt": "beta\n",
  "c.md": "gamma\n",
  "empty.txt": "",
  "exec.sh": { type: "file", text: "#!/bin/sh\n", mode: 0o755 },
  "private.txt": { type: "file", text: "private\n", mode: 0o600 },
  "readonly.txt": { type: "file", text: "ro\n", mode: 0o444 },
  "owned.txt": { type: "file", text: "owned\n", uid: 1234, gid: 2345 },
  "fraction.txt": { type: "file", text: "fraction\n", mtime: 1_234_567_890.987654 },
  "old.txt": { type: "file", text: "old\n", mtime: 1 },
  "bits/suid": { type: "file", text: "suid\n", mode: 0o4755 },
  "bits/sgid": { type: "file", text: "sgid\n", mode: 0o2755 },
  "bits/sticky": { type: "directory", mode: 0o1777 },
  "bits/sticky/x": "x\n",
  "dir": { type: "directory", mode: 0o750, uid: 1234 },
  "dir/one.txt": "one\n",
  "dir/two.md": "two\n",
  "dir/sub/three.txt": { type: "file", text: "three\n", mode: 0o640 },
  "dir/sub/deep/four.txt": "four\n",
  "dir/empty": { type: "directory", mode: 0o700 },
  "dir/link": link("one.txt"),
  "dir/absolute": link("/etc/passwd"),
  "other/five.txt": "five\n",
  "other/one.txt": "another one\n",
  "tolink.txt": link("a.txt"),
  "toabsolute": link("/a.txt"),
  "todir": link("dir"),
  "outside": link("../../../a.txt"),
  "dangling": link("nowhere"),
  "hard/h1": "hard\n",
  "hard/h2": { type: "hardlink", target: "hard/h1" },
  "xattr/x.txt": { type: "file", text: "x\n", xattrs: { "user.note": "kept" } },
  "xattr/capable": { type: "file", text: "c\n", mode: 0o755, xattrs: { "security.capability": capability } },
  "pipe/fifo": { type: "fifo", mode: 0o640 },
  "pipe/file": "beside\n",
  "names/sp ace.txt": "space\n",
  "names/[b].txt": "bracket\n",
  "names/b.txt": "b\n",
  "names/ünïcode.txt": "unicode\n",
  "names/.hidden": "hidden\n",
  "passwd/passwd": { type: "file", text: "late:x:77:78::/:/bin/sh\n" },
  "plain.tar": { type: "tar", files: members },
  "gz.tar.gz": { type: "tar", compression: "gzip", files: members },
  "bz.tar.bz2": { type: "tar", compression: "bzip2", files: members },
  "xz.tar.xz": { type: "tar", compression: "xz", files: members },
  "zst.tar.zst": { type: "tar", compression: "zstd", files: members },
  "unnamed.dat": { type: "tar", compression: "gzip", files: { "from/unnamed.txt": "unnamed\n" } },
  "devices.tar": { type: "tar", files: devices },
  "nothing.tar.gz": "",
  "false.tar.gz": "this is no archive\n",
  "over.tar": {
    type: "tar",
    files: {
      "data/keep.txt": { type: "file", text: "kept no more\n", mode: 0o640 },
      "data/new.txt": "new\n",
      "owned/": { type: "directory", mode: 0o711, uid: 5, gid: 6 },
      "file": { type: "directory", mode: 0o755 },
      "file/inside.txt": "a folder now\n",
      "real": { type: "file", text: "a file now\n" },
    },
  },
};

/** Files of a context that hardly matters. */
export const fewFiles: Files = { "a.txt": "alpha\n", "b.txt": "beta\n" };

/** What the web server has; see web_server.ts. */
export const webFiles: Files = {
  "file.txt": { type: "file", text: "from the web\n", mtime: 1_300_000_000 },
  "timeless.txt": "from the web without a time\n",
  "query.txt": { type: "file", text: "with a query\n", mtime: 1_300_000_001 },
  "archive.tar": { type: "tar", files: { "in/archive.txt": "unpacked\n" }, mtime: 1_300_000_002 },
};

/** A base image; see write_contexts.py. */
export interface Base {
  readonly architecture: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly files: Files;
  /** Archive of this host that has the files instead. */
  readonly archive?: string;
}

const baseFiles: Files = {
  "bin": { type: "directory" },
  "etc": { type: "directory" },
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\napp:x:1001:1002::/home/app:/bin/sh\n55:x:1055:1056::/:/bin/sh\n",
  "etc/group": "root:x:0:\nappgroup:x:1002:\nstaff:x:50:app\n",
  "data": { type: "directory" },
  "data/keep.txt": "keep\n",
  "data/old.txt": "old\n",
  "data/sub": { type: "directory", mode: 0o700 },
  "data/sub/x": "x\n",
  "real": { type: "directory" },
  "real/inside.txt": "inside\n",
  "link": link("/real"),
  "rel": link("real"),
  "escape": link("../../../real"),
  "flink": link("/data/keep.txt"),
  "dangle": link("/nowhere/yet"),
  "owned": { type: "directory", mode: 0o750, uid: 1001, gid: 1002 },
  "owned/mine": { type: "file", text: "mine\n", uid: 1001, gid: 1002, mode: 0o4750 },
  "file": "a file\n",
};

/** Images that the Dockerfiles start from, by the name that `localhost/<name>:1` has. */
export function baseImages(architecture: string): Readonly<Record<string, Base>> {
  const path = "PATH=/base/bin";
  return {
    base: { architecture, config: { Env: [path] }, files: baseFiles },
    rich: {
      architecture,
      config: {
        Env: [path, "BASE=base", "KEEP=kept"],
        Cmd: ["base-cmd"],
        Entrypoint: ["/base-entry"],
        User: "app",
        WorkingDir: "/work",
        Volumes: { "/base-volume": {} },
        ExposedPorts: { "80/tcp": {} },
        Labels: { base: "yes", both: "base" },
        StopSignal: "SIGINT",
        Shell: ["/bin/base-shell", "-c"],
        Healthcheck: { Test: ["CMD", "base-check"], Interval: 5_000_000_000, Retries: 7 },
      },
      files: baseFiles,
    },
    triggers: {
      architecture,
      config: {
        Env: [path],
        OnBuild: ["ARG WHO=nobody", "COPY a.txt /triggered/", "ENV TRIGGERED=$WHO", "WORKDIR /trigger"],
      },
      files: baseFiles,
    },
  };
}
