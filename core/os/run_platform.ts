import { EngineError } from "../errors.ts";
import type { Platform } from "../oci/descriptor.ts";
import { formatPlatform, hostPlatform, matchesPlatform } from "../oci/platform.ts";

/** Processors as `qemu-user` names them, by their OCI names where those differ. */
const qemuNames: Readonly<Record<string, string>> = {
  amd64: "x86_64",
  "386": "i386",
  arm64: "aarch64",
  ppc64le: "ppc64le",
  loong64: "loongarch64",
  mips64le: "mips64el",
};

const handlers = "/proc/sys/fs/binfmt_misc";

/**
 * Checks that commands of a platform's image can run here: on its own kind of processor, on a compatible one, or with an interpreter
 * that is registered for it. Throws `UNSUPPORTED`.
 */
export function checkRunPlatform(platform: Platform): void {
  const host = hostPlatform();
  if (platform.os !== host.os) throw unsupported(platform, `this host runs ${host.os}`);
  if (platform.architecture === host.architecture || matchesPlatform(platform, host)) return;
  const name = qemuNames[platform.architecture] ?? platform.architecture;
  if (isEnabled(`qemu-${name}`) || isEnabled("rosetta")) return;
  throw unsupported(platform, `its processor is ${host.architecture} and no interpreter for others is registered`);
}

function isEnabled(handler: string): boolean {
  try {
    return Deno.readTextFileSync(`${handlers}/${handler}`).startsWith("enabled");
  } catch {
    return false;
  }
}

function unsupported(platform: Platform, state: string): EngineError {
  const text = formatPlatform(platform);
  return new EngineError("UNSUPPORTED", `Cannot run commands for "${text}" on this host: ${state}`, {
    detail: { what: "platform", value: text, known: [formatPlatform(hostPlatform())] },
    hint: "Register an interpreter, for example with the packages qemu-user-static and binfmt-support",
  });
}
