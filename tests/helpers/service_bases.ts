/** Base images made of what this machine has: Debian by debootstrap from its mirror, and its own Node. */
import { runPeer } from "./program.ts";

/** A Debian mirror, as this machine's apt is configured. */
export interface DebianMirror {
  readonly uri: string;
  /** Name of the release. */
  readonly release: string;
}

/** The mirror of the release that this machine runs. Throws when apt knows none. */
export async function findMirror(): Promise<DebianMirror> {
  const release = /^VERSION_CODENAME=(\w+)$/m.exec(await Deno.readTextFile("/etc/os-release"))?.[1] ?? "";
  const targets = await runPeer(
    "apt-get",
    "indextargets",
    "--format",
    "$(REPO_URI) $(RELEASE)",
    "Created-By: Packages",
  );
  const uri = targets.split("\n").map((line) => line.split(" ")).find(([, name]) => name === release)?.[0];
  if (uri === undefined) throw new Error(`apt has no mirror of "${release}"`);
  return { uri, release };
}

/** Throws unless the mirror answers. */
export async function reachMirror(): Promise<void> {
  const { uri, release } = await findMirror();
  await runPeer("/usr/lib/apt/apt-helper", "download-file", `${uri}dists/${release}/InRelease`, "/dev/null").catch(
    async () => {
      // Where apt has no such helper.
      const { ok, status, body } = await fetch(`${uri}dists/${release}/InRelease`, { method: "HEAD" });
      await body?.cancel();
      if (!ok) throw new Error(`${status}`);
    },
  );
}

/**
 * Writes what apt in a container needs of this machine to a folder: `sources.list`, `apt.conf` with its proxies, and `ca.crt` with the
 * certificates that it trusts.
 */
export async function writeHostSettings(folder: string): Promise<void> {
  const { uri, release } = await findMirror();
  const settings = (await runPeer("apt-config", "dump", "--format", '%f "%v";%n')).split("\n")
    .filter((line) => /^Acquire::https?::(.*::)?Proxy "./i.test(line));
  const conf = [
    ...settings,
    'Acquire::https::CaInfo "/host/ca.crt";',
    'Dir::Etc::sourcelist "/host/sources.list";',
    'Dir::Etc::sourceparts "-";',
    'APT::Install-Recommends "false";',
    "",
  ].join("\n");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/apt.conf`, conf);
  await Deno.writeTextFile(`${folder}/sources.list`, `deb ${uri} ${release} main\n`);
  await Deno.writeFile(`${folder}/ca.crt`, await readCertificates());
}

async function readCertificates(): Promise<Uint8Array> {
  return await Deno.readFile("/etc/ssl/certs/ca-certificates.crt").catch(() => new Uint8Array());
}

/** Makes a tar of the smallest Debian that apt works in; in memory, as packages are synced to disk one by one. */
export async function makeDebianTar(target: string): Promise<void> {
  const { uri, release } = await findMirror();
  const folder = await Deno.makeTempDir({ prefix: "strata-debian-" });
  await runPeer("mount", "-t", "tmpfs", "-o", "size=1g,mode=755", "none", folder);
  try {
    await runPeer("debootstrap", "--variant=minbase", release, `${folder}/root`, uri);
    await runPeer("tar", "-C", `${folder}/root`, "--exclude=./var/cache/apt/archives/*", "-cf", target, ".");
  } finally {
    await runPeer("umount", folder);
    await Deno.remove(folder);
  }
}

/** Makes a tar of this machine's Node, npm, the libraries they need, and busybox. */
export async function makeNodeTar(target: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "strata-node-" });
  try {
    const [node = "", npm = ""] = [
      await runPeer("sh", "-c", "realpath $(command -v node)"),
      await runPeer("npm", "root", "-g"),
    ]
      .map((line) => line.trim());
    const libraries = [...(await runPeer("ldd", node)).matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
    const copy = async (from: string, to: string): Promise<void> => {
      await Deno.mkdir(`${folder}${to.slice(0, to.lastIndexOf("/"))}`, { recursive: true });
      await runPeer("cp", "-rL", from, `${folder}${to}`);
    };
    await copy(node, "/usr/bin/node");
    for (const path of libraries) await copy(path, path);
    await copy(`${npm}/npm`, "/usr/lib/node_modules/npm");
    await copy(await runPeer("sh", "-c", "printf %s $(command -v busybox)"), "/bin/busybox");
    for (const name of ["sh", "ls", "cat", "id"]) await Deno.symlink("busybox", `${folder}/bin/${name}`);
    await Deno.symlink("/bin/busybox", `${folder}/usr/bin/env`);
    await Deno.symlink("../lib/node_modules/npm/bin/npm-cli.js", `${folder}/usr/bin/npm`);
    await Deno.mkdir(`${folder}/etc`, { recursive: true });
    await Deno.writeTextFile(
      `${folder}/etc/passwd`,
      "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n",
    );
    await Deno.mkdir(`${folder}/tmp`);
    await Deno.chmod(`${folder}/tmp`, 0o1777);
    await Deno.chmod(folder, 0o755);
    await runPeer("tar", "-C", folder, "--owner=0", "--group=0", "-cf", target, ".");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
