import { type Entitlement, entitlements, type RunOptions, type Ulimit } from "../build/run_options.ts";
import { EngineError } from "../errors.ts";

/** The error for a value that a flag does not take: `expected` says what it takes, `state` what is wrong with this one. */
export function refused(flag: string, value: string, expected: string, state?: string): EngineError {
  const shown = value.slice(0, 160);
  const why = state === undefined ? "" : `${state}, `;
  return new EngineError("INVALID_ARGUMENT", `Cannot use --${flag} "${shown}": ${why}expected ${expected}`, {
    detail: { field: flag, value: shown },
  });
}

/** Reads `--runtime`: a name or a path. Throws `INVALID_ARGUMENT`, as all of these do. */
export function parseRuntime(text: string): string {
  if (/^[\w.-]+$/.test(text) || (text.includes("/") && !text.includes("\0"))) return text;
  throw refused("runtime", text, "crun, runc, chroot or the path of a runtime");
}

/** Reads `--snapshotter`. */
export function parseSnapshotter(text: string): NonNullable<RunOptions["snapshotter"]> {
  if (text === "overlay" || text === "copy") return text;
  throw refused("snapshotter", text, "overlay or copy");
}

/** Reads `--network`. */
export function parseNetwork(text: string): NonNullable<RunOptions["network"]> {
  if (text === "default" || text === "host" || text === "none") return text;
  throw refused("network", text, "default, host or none");
}

/** Reads `--add-host`: `NAME:IP` or `NAME=IP`, an IPv6 address also in brackets, `host-gateway` for the host itself. */
export function parseHostEntry(text: string): { readonly name: string; readonly address: string } {
  const expected = "NAME:IP or NAME=IP, where IP may be host-gateway";
  const at = text.includes("=") ? text.indexOf("=") : text.indexOf(":");
  const name = text.slice(0, Math.max(at, 0));
  const address = text.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
  if (at < 0 || address === "") throw refused("add-host", text, expected, "it has no address");
  if (!/^[\w.-]+$/.test(name)) throw refused("add-host", text, expected, `"${name}" is no host name`);
  if (address !== "host-gateway" && !isAddress(address)) {
    throw refused("add-host", text, expected, `"${address}" is no IP address`);
  }
  return { name, address };
}

/** Reads `--dns`: the address of a name server. */
export function parseNameServer(text: string): string {
  if (isAddress(text)) return text;
  throw refused("dns", text, "an IP address");
}

/** Reads `--dns-search`: a domain; undefined for `.`, which stands for none. */
export function parseSearchDomain(text: string): string | undefined {
  if (text === ".") return undefined;
  const label = "[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?";
  if (text.length <= 255 && new RegExp(`^${label}(?:\\.${label})*\\.?$`).test(text)) return text;
  throw refused("dns-search", text, "a domain, or . for none");
}

/** Reads `--dns-option`: a word such as `ndots:2`. */
export function parseDnsOption(text: string): string {
  if (/^[a-z0-9_-]+(?::[0-9]+)?$/i.test(text)) return text;
  throw refused("dns-option", text, "a resolver option such as ndots:2");
}

const ulimitNames: readonly string[] = [
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
];

/** Reads `--ulimit`: `name=soft[:hard]`, where -1 and `unlimited` stand for no limit and a missing hard one is the soft one. */
export function parseUlimit(text: string): Ulimit {
  const expected = "NAME=SOFT[:HARD] such as nofile=1024:4096";
  const [, name = "", first = "", second = first] = /^([^=]*)=([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  if (first === "" || second === "") throw refused("ulimit", text, expected);
  if (!ulimitNames.includes(name)) {
    throw refused("ulimit", text, `a NAME out of ${ulimitNames.join(", ")}`, `"${name}" is no limit`);
  }
  const [soft, hard] = [first, second].map((value) => {
    const limit = value === "unlimited" ? -1 : /^(?:-1|[0-9]+)$/.test(value) ? Number(value) : NaN;
    if (Number.isSafeInteger(limit)) return limit;
    throw refused("ulimit", text, "whole numbers, or -1 for no limit", `"${value}" is no limit`);
  });
  if (soft === undefined || hard === undefined) throw refused("ulimit", text, expected);
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw refused("ulimit", text, "SOFT to be at most HARD", "its soft limit is above its hard one");
  }
  return { name, soft, hard };
}

const unitLetters = "kmgtp";

/** Reads an amount of memory: bytes, or a number with b, k, m, g, t or p, in units of 1024 as docker takes it. */
export function parseBytes(
  flag: string,
  text: string,
  minimum: { readonly bytes: number; readonly text: string },
): number {
  const match = /^([0-9]+(?:\.[0-9]+)?) ?([kmgtp]?)i?b?$/i.exec(text);
  const [, number = "", unit = ""] = match ?? [];
  const bytes = Math.floor(Number(number) * 1024 ** (unit === "" ? 0 : unitLetters.indexOf(unit.toLowerCase()) + 1));
  if (match === null || !Number.isSafeInteger(bytes)) throw refused(flag, text, "an amount such as 64m or 1.5g");
  if (bytes < minimum.bytes) throw refused(flag, text, `at least ${minimum.text}`, "it is too little");
  return bytes;
}

/** Reads `--cpus`: a number of processors, with fractions. */
export function parseCpus(text: string): number {
  const cpus = /^(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$/.test(text) ? Number(text) : NaN;
  if (cpus >= 0.01 && cpus <= 1_000_000) return cpus;
  throw refused("cpus", text, "a number of processors such as 1.5, at least 0.01");
}

/** Reads `--cpu-quota` and `--cpu-period`, microseconds of work in as many of time, as a number of processors. */
export function parseCpuQuota(quota: string, period = "100000"): number {
  const read = (flag: string, text: string, most: number): number => {
    const value = /^[0-9]+$/.test(text) ? Number(text) : NaN;
    if (value >= 1000 && value <= most) return value;
    throw refused(flag, text, `microseconds, from 1000 to ${most}`);
  };
  return read("cpu-quota", quota, 1e12) / read("cpu-period", period, 1e6);
}

/** Reads `--allow`. */
export function parseEntitlement(text: string): Entitlement {
  const known = entitlements.find((each) => each === text);
  if (known !== undefined) return known;
  throw refused("allow", text, entitlements.join(" or "));
}

function isAddress(text: string): boolean {
  if (/^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/.test(text)) {
    return text.split(".").every((part) => Number(part) <= 255 && String(Number(part)) === part);
  }
  // The host of a URL is the one parser of IPv6 addresses at hand.
  return /^[0-9a-f:.]+$/i.test(text) && text.includes(":") && URL.canParse(`http://[${text}]`);
}
