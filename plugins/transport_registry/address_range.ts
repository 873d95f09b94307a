/** Networks that are not reached over the Internet (RFC 1918, 3927, 6598, 6890). */
const private4: readonly (readonly [address: string, bits: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
];

/** Whether a URL's hostname is an address of a private network or of this machine. Names other than `localhost` are taken as public. */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, "");
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  const bytes = readAddress(host);
  if (bytes === undefined) return false;
  const mapped = bytes.length === 16 ? mappedAddress(bytes) : bytes;
  if (mapped !== undefined) return private4.some(([base, bits]) => isWithin(mapped, readAddress(base) ?? [], bits));
  const [first = 0, second = 0] = bytes;
  const isLow = bytes.slice(0, 15).every((byte) => byte === 0) && (bytes[15] ?? 0) <= 1;
  return isLow || (first & 0xfe) === 0xfc || (first === 0xfe && (second & 0xc0) === 0x80);
}

/** Bytes of an IPv4 or IPv6 address, the latter with or without brackets; undefined for a name. */
export function readAddress(host: string): readonly number[] | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(host)) {
    const bytes = host.split(".").map(Number);
    return bytes.every((byte) => byte <= 255) ? bytes : undefined;
  }
  // URLs give IPv6 addresses in one form only, so it does the parsing.
  const bare = host.replace(/^\[|\]$/g, "");
  const text = bare.includes(":") ? URL.parse(`http://[${bare}]/`)?.hostname.slice(1, -1) : undefined;
  if (text === undefined) return undefined;
  const [left = "", right] = text.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]);
}

/** Whether the first bits of two addresses of one kind are equal. */
export function isWithin(address: readonly number[], base: readonly number[], bits: number): boolean {
  if (address.length !== base.length || bits > base.length * 8) return false;
  return base.every((byte, at) => {
    const here = Math.min(Math.max(bits - at * 8, 0), 8);
    const mask = (0xff << (8 - here)) & 0xff;
    return (byte & mask) === ((address[at] ?? 0) & mask);
  });
}

/** The IPv4 address in an IPv6 one that only wraps it. */
function mappedAddress(bytes: readonly number[]): readonly number[] | undefined {
  const prefix = bytes.slice(0, 12);
  const isMapped = prefix.slice(0, 10).every((byte) => byte === 0) && prefix[10] === 255 && prefix[11] === 255;
  const is64 = prefix[0] === 0 && prefix[1] === 0x64 && prefix[2] === 0xff && prefix[3] === 0x9b &&
    prefix.slice(4).every((byte) => byte === 0);
  return isMapped || is64 ? bytes.slice(12) : undefined;
}
