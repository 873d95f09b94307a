import { dockerError } from "./error.ts";

/** A version of the Engine API. */
export interface ApiVersion {
  readonly major: number;
  readonly minor: number;
}

/** Oldest version of the Engine API that is answered. */
export const minApiVersion = "1.24";
/** Newest version of the Engine API that is answered, and that of paths without one. */
export const maxApiVersion = "1.47";

/** Reads what stands between slashes, e.g. `v1.41`; the newest version when left out. Throws for one that is not answered, as docker does. */
export function readApiVersion(text: string | undefined): ApiVersion {
  const version = (text ?? maxApiVersion).replace(/^v/, "");
  if (compare(parse(version), parse(minApiVersion)) < 0) {
    const advice = `Minimum supported API version is ${minApiVersion}, please upgrade your client to a newer version`;
    throw dockerError(400, `client version ${version} is too old. ${advice}`);
  }
  if (compare(parse(version), parse(maxApiVersion)) > 0) {
    throw dockerError(400, `client version ${version} is too new. Maximum supported API version is ${maxApiVersion}`);
  }
  return parse(version);
}

/** Whether a version is older than another, e.g. `1.44`. */
export function isBefore(version: ApiVersion, other: string): boolean {
  return compare(version, parse(other)) < 0;
}

function parse(text: string): ApiVersion {
  const [major = 0, minor = 0] = text.split(".").map(Number);
  return { major, minor };
}

function compare(a: ApiVersion, b: ApiVersion): number {
  return a.major - b.major || a.minor - b.minor;
}
