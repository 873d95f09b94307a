/**
 * Makes a minimal Debian of this machine's release in a folder; gives the path of a tar of it there, or undefined, with the reason
 * printed, when the mirror cannot be reached. Needs root and debootstrap.
 */
export async function bootstrapDebian(directory: string): Promise<string | undefined> {
  const root = `${directory}/debian`;
  const release = /^VERSION_CODENAME=(\w+)$/m.exec(await Deno.readTextFile("/etc/os-release"))?.[1] ?? "stable";
  // In a mount namespace of its own, so that it leaves nothing mounted; nobody needs what it made after a crash.
  const made = await new Deno.Command("unshare", {
    args: ["--mount", "--", "debootstrap", "--variant=minbase", release, root, await findMirror()],
    env: { DPKG_FORCE: "unsafe-io" },
    stdin: "null",
  }).output();
  if (!made.success) {
    const output = new TextDecoder().decode(made.stdout);
    if (!/Failed getting release|Couldn't download|Unable to/.test(output)) throw new Error(`debootstrap: ${output}`);
    console.log(`skipped: needs a Debian mirror: ${output.trimEnd().split("\n").at(-1)}`);
    return undefined;
  }
  const archive = `${directory}/debian-files.tar`;
  const folders = ["./var/cache/apt/archives/*.deb", "./var/lib/apt/lists/*_*", "./var/log/*.log"];
  const { success, stderr } = await new Deno.Command("tar", {
    args: [
      ...["-C", root, "--numeric-owner", "--sort=name", "--format=pax", "--xattrs", "--xattrs-include=security.*"],
      ...["--pax-option=delete=atime,delete=ctime", "--exclude=./dev/*", ...folders.map((each) => `--exclude=${each}`)],
      ...["-cf", archive, "."],
    ],
    stdin: "null",
  }).output();
  if (!success) throw new Error(`tar: ${new TextDecoder().decode(stderr)}`);
  return archive;
}

/** The first mirror that apt uses and that has the whole distribution. */
async function findMirror(): Promise<string> {
  const files = ["/etc/apt/sources.list"];
  try {
    for await (const { name } of Deno.readDir("/etc/apt/sources.list.d")) files.push(`/etc/apt/sources.list.d/${name}`);
  } catch {
    // There are no others.
  }
  for (const file of files.sort()) {
    const text = await Deno.readTextFile(file).catch(() => "");
    const mirror = /^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(\S+\/debian)\/?(?:\s|$)/m.exec(text)?.[1];
    if (mirror !== undefined) return mirror;
  }
  return "http://deb.debian.org/debian";
}
