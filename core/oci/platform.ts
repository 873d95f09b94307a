import { EngineError } from "../errors.ts";
import type { Descriptor, Platform } from "./descriptor.ts";

const architectureAliases: ReadonlyMap<string, readonly [string, string?]> = new Map(Object.entries({
  "x86_64": ["amd64"],
  "x86-64": ["amd64"],
  "i386": ["386"],
  "i486": ["386"],
  "i586": ["386"],
  "i686": ["386"],
  "aarch64": ["arm64"],
  "armhf": ["arm", "v7"],
  "armel": ["arm", "v6"],
}));
const knownOs = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos"
    .split(" "),
);
const knownArchitecture = new Set(
  "386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm"
    .split(" "),
);

/**
 * The platform in lower case with aliases resolved, and without a variant that says what the architecture says already:
 * `amd64/v1`, `arm64/v8`; `arm` without one is `v7` (containerd, platforms.Normalize).
 */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const [architecture, aliasVariant] = architectureAliases.get(platform.architecture.toLowerCase()) ??
    [platform.architecture.toLowerCase()];
  const variant = normalizeVariant(architecture, aliasVariant ?? platform.variant?.toLowerCase() ?? "");
  const { os: _os, architecture: _architecture, variant: _variant, ...rest } = platform;
  const base = { ...rest, os: os === "macos" ? "darwin" : os, architecture };
  return variant === "" ? base : { ...base, variant };
}

function normalizeVariant(architecture: string, variant: string): string {
  const withV = /^\d/.test(variant) ? `v${variant}` : variant;
  if (architecture === "arm") return withV === "" ? "v7" : withV;
  if (architecture === "arm64") return withV === "v8" || withV === "v8.0" ? "" : withV.replace(/\.0$/, "");
  if (architecture === "amd64") return withV === "v1" ? "" : withV;
  return withV;
}

/** The platform that images get on this machine when none is asked for: Linux, on this machine's architecture. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: "linux", architecture: Deno.build.arch });
}

/** The platform to use when none is asked for: the one that is set, else {@linkcode hostPlatform}. Throws `INVALID_ARGUMENT`. */
export function usualPlatform(set: string | undefined): Platform {
  return set === undefined ? hostPlatform() : parsePlatform(set);
}

/**
 * Parses `OS/ARCH[/VARIANT]`, or one part of it, which the host completes. Throws `INVALID_ARGUMENT`.
 */
export function parsePlatform(text: string): Platform {
  const parts = text.trim().toLowerCase().split("/");
  const [first = "", second, third] = parts;
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part))) throw refused(text);
  if (second !== undefined) {
    return normalizePlatform({ os: first, architecture: second, ...(third === undefined ? {} : { variant: third }) });
  }
  if (knownOs.has(first) || first === "macos") return normalizePlatform({ ...hostPlatform(), os: first });
  const architecture = architectureAliases.get(first)?.[0] ?? first;
  if (!knownArchitecture.has(architecture)) throw refused(text);
  return normalizePlatform({ os: "linux", architecture: first });
}

function refused(text: string): EngineError {
  const value = text.slice(0, 100);
  return new EngineError("INVALID_ARGUMENT", `Cannot read platform "${value}": expected OS/ARCH or OS/ARCH/VARIANT`, {
    detail: { field: "platform", value },
    hint: "Write it as linux/amd64, linux/arm64 or linux/arm/v7",
  });
}

/** The platform as `os/architecture` or `os/architecture/variant`. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined || variant === "" ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** Whether an image of one platform can serve where another is wanted: the same one or a fallback of it. */
export function matchesPlatform(candidate: Platform, wanted: Platform): boolean {
  return rankOf(candidate, fallbacks(wanted)) >= 0;
}

/**
 * The entry of an index that serves a platform best; the first one among equals; undefined when none does. Attestations and
 * entries without a platform are passed over (containerd, platforms.Only: amd64 v4 > v3 > v2 > v1 > 386, arm v7 > v6 > v5, arm64 > arm v8 …).
 */
export function choosePlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const order = fallbacks(wanted);
  let best: Descriptor | undefined;
  let bestRank = Infinity;
  for (const descriptor of manifests) {
    if (descriptor.platform === undefined || isAttestation(descriptor)) continue;
    const rank = rankOf(descriptor.platform, order);
    if (rank >= 0 && rank < bestRank) [best, bestRank] = [descriptor, rank];
  }
  return best;
}

/** Whether an entry of an index is an attestation about another entry (BuildKit, attestation-storage.md). */
export function isAttestation(descriptor: Descriptor): boolean {
  return descriptor.annotations?.["vnd.docker.reference.type"] === "attestation-manifest" ||
    (descriptor.platform?.os === "unknown" && descriptor.platform.architecture === "unknown");
}

function rankOf(candidate: Platform, order: readonly Platform[]): number {
  const text = formatPlatform(normalizePlatform(candidate));
  return order.findIndex((platform) => formatPlatform(platform) === text);
}

function fallbacks(wanted: Platform): readonly Platform[] {
  const { os, architecture, variant = "" } = normalizePlatform(wanted);
  const list = (arch: string, variants: readonly string[]): Platform[] =>
    variants.map((each) => normalizePlatform({ os, architecture: arch, ...(each === "" ? {} : { variant: each }) }));
  if (architecture === "amd64") {
    const level = Number(variant.slice(1)) || 1;
    return [...list("amd64", downFrom(level, 1)), ...list("386", [""])];
  }
  if (architecture === "arm") return list("arm", downFrom(Number(variant.slice(1)) || 7, 5));
  if (architecture === "arm64") return [...list("arm64", arm64Variants(variant)), ...list("arm", downFrom(8, 5))];
  return list(architecture, [variant]);
}

function downFrom(high: number, low: number): string[] {
  return Array.from({ length: Math.max(high - low + 1, 0) }, (_, i) => `v${high - i}`);
}

/** Arm v9.n holds all of v8.(n + 5) and below. */
function arm64Variants(variant: string): string[] {
  const match = /^v(8|9)(?:\.(\d{1,2}))?$/.exec(variant === "" ? "v8" : variant);
  if (match === null) return [variant];
  const minor = Number(match[2] ?? 0);
  const steps = (major: number, from: number): string[] =>
    Array.from({ length: from + 1 }, (_, i) => from - i === 0 ? `v${major}` : `v${major}.${from - i}`);
  return match[1] === "8" ? steps(8, minor) : [...steps(9, minor), ...steps(8, minor + 5)];
}
