import type { Kit, Platform, SourceRange } from "../../core/contract/mod.ts";
import { parseError, quote } from "./fault.ts";

const aliases: ReadonlyMap<string, readonly [string, string?]> = new Map<string, readonly [string, string?]>([
  ["x86_64", ["amd64"]],
  ["x86-64", ["amd64"]],
  ["i386", ["386"]],
  ["aarch64", ["arm64"]],
  ["armhf", ["arm", "v7"]],
  ["armel", ["arm", "v6"]],
]);
const systems = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos".split(
    " ",
  ),
);
const architectures = new Set(
  ("386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc ppc64 " +
    "ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm").split(" "),
);

/** Where a platform text stands and what completes it. */
export interface PlatformSource {
  readonly kit: Kit;
  readonly at: SourceRange;
  /** Gives the part that the text leaves out. */
  readonly buildPlatform: Platform;
}

/**
 * Reads `OS/ARCH[/VARIANT]`, an operating system or an architecture, with aliases resolved and variants that say nothing
 * dropped (containerd, platforms.Parse). Throws `PARSE_FAILED`.
 */
export function readPlatform(text: string, source: PlatformSource): Platform {
  const parts = text.toLowerCase().split("/");
  const [first = "", second, third] = parts;
  const fits = parts.length <= 3 && parts.every((part) => /^[a-z0-9_.-]+$/.test(part));
  if (fits && second !== undefined) return normalize(first, second, third);
  if (fits && (systems.has(first) || first === "macos")) {
    return normalize(first, source.buildPlatform.architecture, source.buildPlatform.variant);
  }
  if (fits && architectures.has(aliases.get(first)?.[0] ?? first)) return normalize(source.buildPlatform.os, first);
  throw parseError(source.kit, {
    message: `Cannot use platform ${quote(text)}: expected OS/ARCH or OS/ARCH/VARIANT`,
    at: source.at,
    instruction: "FROM",
    hint: "Write it as linux/amd64, linux/arm64 or linux/arm/v7",
  });
}

function normalize(os: string, architecture: string, variant?: string): Platform {
  const [arch, implied] = aliases.get(architecture) ?? [architecture];
  const given = (implied ?? variant ?? "").replace(/^(?=\d)/, "v").replace(/\.0$/, "");
  const plain = (arch === "amd64" && given === "v1") || (arch === "arm64" && given === "v8");
  const kept = arch === "arm" && given === "" ? "v7" : plain ? "" : given;
  return { os: os === "macos" ? "darwin" : os, architecture: arch, ...(kept === "" ? {} : { variant: kept }) };
}

/** The platform as `os/architecture[/variant]`. */
export function formatPlatform(platform: Platform): string {
  const variant = platform.variant ?? "";
  return `${platform.os}/${platform.architecture}${variant === "" ? "" : `/${variant}`}`;
}
