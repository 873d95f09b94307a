import { parsePlatform } from "../oci/platform.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { Flag, Input } from "./command.ts";

/** `--platform` of a command that looks at one platform of an index. */
export const platformFlag: Flag = {
  name: "platform",
  type: "string",
  value: "OS/ARCH",
  help: "Platform to look at, for an image of several",
};

/** `--platform` as an option object. Throws `INVALID_ARGUMENT`. */
export function readPlatform(input: Input): { platform?: Platform } {
  const text = input.text("platform");
  return text === undefined ? {} : { platform: parsePlatform(text) };
}

/** A list of platforms, each flag value perhaps several joined by commas. Throws `INVALID_ARGUMENT`. */
export function readPlatforms(input: Input): Platform[] {
  return input.list("platform").flatMap((text) => text.split(",")).map(parsePlatform);
}
