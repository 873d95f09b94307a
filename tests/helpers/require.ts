/** Names a program that a test needs and the Debian package it comes in. */
export interface Need {
  /** Program on the PATH. */
  readonly program: string;
  /** Debian package. */
  readonly debianPackage?: string;
  /** Where it is from when Debian does not have it. */
  readonly origin?: string;
}

/** Programs the tests know how to talk to. */
export const peers = {
  tar: { program: "tar", debianPackage: "tar" },
  python: { program: "python3", debianPackage: "python3" },
  skopeo: { program: "skopeo", debianPackage: "skopeo" },
  umoci: { program: "umoci", debianPackage: "umoci" },
  podman: { program: "podman", debianPackage: "podman" },
  buildah: { program: "buildah", debianPackage: "buildah" },
  docker: { program: "docker", debianPackage: "docker.io" },
  dockerRegistry: { program: "docker-registry", debianPackage: "docker-registry" },
  debootstrap: { program: "debootstrap", debianPackage: "debootstrap" },
  dockerd: { program: "dockerd", debianPackage: "docker.io" },
  go: { program: "go", debianPackage: "golang-go" },
  git: { program: "git", debianPackage: "git" },
  xz: { program: "xz", debianPackage: "xz-utils" },
  bzip2: { program: "bzip2", debianPackage: "bzip2" },
  zstd: { program: "zstd", debianPackage: "zstd" },
  setpriv: { program: "setpriv", debianPackage: "util-linux" },
  bash: { program: "bash", debianPackage: "bash" },
  busybox: { program: "busybox", debianPackage: "busybox-static" },
  crun: { program: "crun", debianPackage: "crun" },
  runc: { program: "runc", debianPackage: "runc" },
  unshare: { program: "unshare", debianPackage: "util-linux" },
  curl: { program: "curl", debianPackage: "curl" },
  setcap: { program: "setcap", debianPackage: "libcap2-bin" },
  setfattr: { program: "setfattr", debianPackage: "attr" },
  crane: { program: "crane", origin: ".ci/run builds it with Go" },
  versitygw: { program: "versitygw", origin: ".ci/run builds it with Go" },
} as const satisfies Record<string, Need>;

const reported = new Set<string>();

/**
 * Whether this machine lacks something a test needs: programs, or being root. Use it as `ignore` of a test, which then counts as skipped;
 * the reason is printed once.
 */
export function isMissing(...needs: readonly (Need | "root")[]): boolean {
  const lacking = needs.filter((need) => need === "root" ? Deno.uid() !== 0 : !isOnPath(need.program));
  for (const need of lacking) {
    const reason = need === "root"
      ? "needs root"
      : `needs ${need.program} (${need.origin ?? `Debian package ${need.debianPackage}`})`;
    if (!reported.has(reason)) console.log(`skipped: ${reason}`);
    reported.add(reason);
  }
  return lacking.length > 0;
}

/**
 * Whether what a test needs the network for cannot be reached. Use it as `ignore` of a test; the reason is printed.
 * On CI the test runs, and fails.
 */
export async function isUnreachable(what: string, reach: () => Promise<unknown>): Promise<boolean> {
  if (Deno.env.get("CI") === "true") return false;
  try {
    await reach();
    return false;
  } catch (error) {
    console.log(`skipped: cannot reach ${what}: ${error instanceof Error ? error.message.split("\n")[0] : error}`);
    return true;
  }
}

function isOnPath(program: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}
