/** A platform that a binary is made for. */
export interface Target {
  /** What it is called here, and in the names of released files. */
  readonly name: string;
  /** What `deno compile --target` calls it. */
  readonly triple: string;
  /** File name of its binary in a release. */
  readonly file: string;
}

/** Every platform that binaries are released for. */
export const targets: readonly Target[] = [
  { name: "linux-x64", triple: "x86_64-unknown-linux-gnu", file: "strata-linux-x64" },
  { name: "linux-arm64", triple: "aarch64-unknown-linux-gnu", file: "strata-linux-arm64" },
  { name: "macos-x64", triple: "x86_64-apple-darwin", file: "strata-macos-x64" },
  { name: "macos-arm64", triple: "aarch64-apple-darwin", file: "strata-macos-arm64" },
  { name: "windows-x64", triple: "x86_64-pc-windows-msvc", file: "strata-windows-x64.exe" },
];

/** The target with this name or triple; undefined for none. */
export function findTarget(name: string): Target | undefined {
  return targets.find((target) => target.name === name || target.triple === name);
}

/** The target that this machine is; undefined for one that no binary is released for. */
export function hostTarget(): Target | undefined {
  return findTarget(Deno.build.target);
}
