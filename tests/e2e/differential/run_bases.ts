import type { Files, FileSpec } from "./case.ts";
import type { Base } from "./common_files.ts";

const applets = (
  "[ ash awk basename cat chgrp chmod chown chroot cmp cp cut date dd df diff du echo egrep env expr false fgrep find getopt grep head " +
  "hostname id ifconfig kill ln ls mkdir mkfifo mknod mktemp mount mv nproc od printf ps pwd readlink realpath rm rmdir sed " +
  "seq setpriv sh sha256sum sleep sort stat su syslogd tail tar tee test timeout touch tr true truncate umount uname " +
  "uniq unlink wc which whoami xargs yes"
).split(" ");

/** Programs that busybox lacks, of packages that the tests need anyway. */
const tools = ["setcap", "getcap", "setfattr", "getfattr"];

const capability = "\x01\0\0\x02\0\x04\0\0" + "\0".repeat(12);

const passwd = [
  "root:x:0:0:root:/root:/bin/sh",
  "app:x:1001:1002::/home/app:/bin/sh",
  "55:x:1055:1056::/fifty-five:/bin/sh",
  "homeless:x:1003:1003:::",
  "",
].join("\n");

const group = [
  "root:x:0:",
  "appgroup:x:1002:",
  "staff:x:50:app,root",
  "extra:x:60:other,app",
  "60:x:61:",
  "",
].join("\n");

function folder(mode = 0o755, uid = 0, gid = 0): FileSpec {
  return { type: "directory", mode, uid, gid };
}

function link(target: string): FileSpec {
  return { type: "symlink", target };
}

function busyboxFiles(): Files {
  const source = findFile(["/bin/busybox", "/usr/bin/busybox"]);
  return {
    "bin": folder(),
    "bin/busybox": { type: "file", source, mode: 0o755 },
    ...Object.fromEntries(applets.map((name) => [`bin/${name}`, link("busybox")])),
  };
}

/** The tools with the libraries that they load. */
function toolFiles(): Files {
  const paths = tools.map((name) => findFile(["/usr/sbin", "/sbin", "/usr/bin"].map((each) => `${each}/${name}`)));
  const libraries = new Set(paths.flatMap(librariesOf));
  return {
    ...Object.fromEntries(paths.map((source, i) => [`bin/${tools[i]}`, { type: "file", source, mode: 0o755 }])),
    ...Object.fromEntries([...libraries].map((source) => [source.slice(1), { type: "file", source, mode: 0o755 }])),
  };
}

function librariesOf(program: string): readonly string[] {
  const { stdout } = new Deno.Command("ldd", { args: [program] }).outputSync();
  return [...new TextDecoder().decode(stdout).matchAll(/(?:=> |^\s+)(\/\S+) \(/gm)].map(([, path = ""]) => path);
}

function findFile(paths: readonly string[]): string {
  const found = paths.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`none of ${paths.join(", ")} is there`);
  return found;
}

const systemFiles: Files = {
  "dev": folder(),
  "etc": folder(),
  "etc/passwd": passwd,
  "etc/group": group,
  "etc/shadow": { type: "file", text: "root:*:::::::\n", mode: 0o640, gid: 42 },
  "etc/hosts": "10.1.2.3 of-the-base\n",
  "etc/hostname": "of-the-base\n",
  "etc/resolv.conf": "nameserver 10.1.2.3\n",
  "home": folder(),
  "home/app": folder(0o750, 1001, 1002),
  "proc": folder(0o555),
  "root": folder(0o700),
  "root/private": { type: "file", text: "private\n", mode: 0o600 },
  "run": folder(),
  "sys": folder(0o555),
  "tmp": folder(0o1777),
  "var": folder(),
  "var/tmp": folder(0o1777),
};

/** The files with all folders that they are in, so that builders need not guess what those are like. */
function withFolders(files: Files): Files {
  const all: Record<string, FileSpec | string> = {};
  for (const [path, file] of Object.entries(files)) {
    const parts = path.split("/");
    for (let length = 1; length < parts.length; length++) all[parts.slice(0, length).join("/")] ??= folder();
    all[path] = file;
  }
  return all;
}

/** Files for commands to work on. */
const workFiles: Files = {
  "data": folder(),
  "data/keep.txt": "keep\n",
  "data/old.txt": "old\n",
  "data/fraction.txt": { type: "file", text: "fraction\n", mtime: 1_234_567_890.75 },
  "data/sub": folder(0o700, 1001),
  "data/sub/x": "x\n",
  "data/sub/deeper": folder(),
  "data/sub/deeper/y": { type: "file", text: "y\n", uid: 1001, gid: 1002, mode: 0o640 },
  "data/sub/link": link("x"),
  "links": folder(),
  "links/a": { type: "file", text: "one of three\n", mode: 0o640, mtime: 1_100_000_000 },
  "links/b": { type: "hardlink", target: "links/a", mode: 0o640, mtime: 1_100_000_000 },
  "links/other": folder(),
  "links/other/c": { type: "hardlink", target: "links/a", mode: 0o640, mtime: 1_100_000_000 },
  "bits": folder(),
  "bits/suid": { type: "file", text: "suid\n", mode: 0o4755, uid: 1001, gid: 1002 },
  "bits/sgid": { type: "file", text: "sgid\n", mode: 0o2755 },
  "bits/sticky": folder(0o1777),
  "bits/group": folder(0o2775, 0, 50),
  "bits/capable": { type: "file", text: "c\n", mode: 0o755, xattrs: { "security.capability": capability } },
  "bits/noted": { type: "file", text: "n\n", xattrs: { "user.note": "from the base" } },
  "kinds": folder(),
  "kinds/fifo": { type: "fifo", mode: 0o640 },
  "kinds/null": { type: "char", major: 1, minor: 3, mode: 0o666 },
  "kinds/link": link("../data/keep.txt"),
  "kinds/folder": link("/data"),
  "kinds/dangling": link("nowhere"),
  "kinds/absolute": link("/etc/passwd"),
  "deep/1/2/3/4/5/6/f": "deep\n",
  "names/sp ace": "space\n",
  "names/ünïcode": "unicode\n",
  "swap": folder(),
  "swap/one": folder(),
  "swap/one/f": "one\n",
  "swap/two": folder(),
  "swap/two/f": "two\n",
  "swap/now": link("one"),
  "readonly": folder(0o555),
  "readonly/file": { type: "file", text: "read only\n", mode: 0o444 },
};

/** Links and files where a run mounts something. */
const oddFiles: Files = {
  "etc": folder(),
  "etc/passwd": passwd,
  "etc/group": group,
  "etc/hosts": link("../var/hosts"),
  "etc/resolv.conf": link("/run/resolve/stub-resolv.conf"),
  "dev": folder(0o700, 3, 4),
  "dev/file": "in dev\n",
  "dev/null": { type: "char", major: 1, minor: 3, mode: 0o600 },
  "dev/shm": folder(0o700),
  "proc": folder(0o755),
  "proc/left": "in proc\n",
  "sys": folder(0o755),
  "sys/left": "in sys\n",
  "tmp": link("var/tmp"),
  "var": folder(),
  "var/hosts": "10.1.2.3 of-the-base\n",
  "var/tmp": folder(0o1777),
  "var/tmp/left": "in tmp\n",
};

/** Images that Dockerfiles with RUN start from: a busybox with all a system has, one with nothing besides, and odd ones. */
export function runBases(architecture: string): Readonly<Record<string, Base>> {
  const busybox = busyboxFiles();
  const box = withFolders({ ...busybox, ...toolFiles(), ...systemFiles, ...workFiles });
  const path = "PATH=/bin";
  return {
    box: { architecture, config: { Env: [path] }, files: box },
    bare: { architecture, config: {}, files: busybox },
    odd: { architecture, config: { Env: [path] }, files: withFolders({ ...busybox, ...oddFiles }) },
    configured: {
      architecture,
      config: {
        Env: [path, "FROM_BASE=yes", "HOME=/of/the/base"],
        User: "app:staff",
        WorkingDir: "/not/there/yet",
        Shell: ["/bin/sh", "-euc"],
        Cmd: ["of-the-base"],
      },
      files: { ...box, "etc/configured": "" },
    },
    triggers: {
      architecture,
      config: {
        Env: [path],
        OnBuild: ["ARG WHO=nobody", 'RUN echo "$WHO" >/who', "USER app", "RUN id -u >/tmp/id && pwd >>/tmp/id"],
      },
      files: { ...box, "etc/triggers": "" },
    },
  };
}
