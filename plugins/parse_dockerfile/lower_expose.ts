import { quote } from "./fault.ts";
import { addHistory, expandToWords, fail, type LoweringOf } from "./lowering.ts";

const forms = "Write it as 80, 80/tcp, 53/udp or 8000-8010";

/** Adds ports; ranges become single ports, addresses and host ports are dropped. Throws `PARSE_FAILED`. */
export function lowerExpose(lowering: LoweringOf<"expose">): void {
  const { instruction, state } = lowering;
  const written = [...instruction.ports].sort(byteOrder).flatMap((port) => expandToWords(port, lowering));
  const ports = written.flatMap((port) => readPorts(port, lowering));
  const exposed = Object.fromEntries(ports.map((port) => [port, {}]));
  state.config = { ...state.config, ExposedPorts: { ...state.config.ExposedPorts, ...exposed } };
  addHistory(`EXPOSE [${ports.join(" ")}]`, lowering);
}

function byteOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/** Reads `[ip:][hostPort:]port[-port][/protocol]` as `port/protocol` texts. */
function readPorts(text: string, lowering: LoweringOf<"expose">): readonly string[] {
  const parts = text.split(":");
  const container = parts.at(-1) ?? "";
  const hostPort = parts.at(-2) ?? "";
  const address = parts.slice(0, -2).join(":");
  const [portText = "", protocol = ""] = splitOnce(container, "/");
  if (portText === "" || !["", "tcp", "udp", "sctp"].includes(protocol.toLowerCase())) {
    const state = portText === "" ? "it names no port" : `protocol ${quote(protocol)} is not known`;
    throw fail(`Cannot expose port ${quote(text)}: ${state}`, lowering, forms);
  }
  checkForm(text, { protocol, hasHost: hostPort !== "" || address !== "" }, lowering);
  if (address !== "" && !isAddress(address)) {
    throw fail(`Cannot expose port ${quote(text)}: ${quote(address)} is no IP address`, lowering, forms);
  }
  const range = readRange(portText);
  if (range === undefined) {
    const state = `${quote(portText)} is neither a port from 0 to 65535 nor a range of them`;
    throw fail(`Cannot expose port ${quote(text)}: ${state}`, lowering, forms);
  }
  if (hostPort !== "") checkHostPort(text, { hostPort, range }, lowering);
  const kind = protocol === "" ? "tcp" : protocol.toLowerCase();
  return Array.from({ length: range.last - range.first + 1 }, (_, i) => `${range.first + i}/${kind}`);
}

function checkForm(
  text: string,
  form: { readonly protocol: string; readonly hasHost: boolean },
  lowering: LoweringOf<"expose">,
): void {
  const { checks, instruction } = lowering;
  if (form.protocol !== form.protocol.toLowerCase()) {
    checks.report("ExposeProtoCasing", instruction.at, `The protocol of port "${text}" is not in lower case`);
  }
  if (form.hasHost) {
    const message = `Port "${text}" has an address or a host port, which EXPOSE has no use for`;
    checks.report("ExposeInvalidFormat", instruction.at, message);
  }
}

function checkHostPort(
  text: string,
  given: { readonly hostPort: string; readonly range: Range },
  lowering: LoweringOf<"expose">,
): void {
  const host = readRange(given.hostPort);
  if (host === undefined) {
    const state = `${quote(given.hostPort)} is neither a host port from 0 to 65535 nor a range of them`;
    throw fail(`Cannot expose port ${quote(text)}: ${state}`, lowering, forms);
  }
  const length = given.range.last - given.range.first;
  if (length !== 0 && length !== host.last - host.first) {
    throw fail(`Cannot expose port ${quote(text)}: the two ranges differ in length`, lowering, forms);
  }
}

function readRange(text: string): Range | undefined {
  const [start = "", end] = splitOnce(text, "-");
  const first = readPort(start);
  const last = end === undefined ? first : readPort(end);
  return first === undefined || last === undefined || last < first ? undefined : { first, last };
}

function readPort(text: string): number | undefined {
  return /^\+?\d{1,9}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;
}

function splitOnce(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function isAddress(text: string): boolean {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (/^\d+\.\d+\.\d+\.\d+$/.test(bare)) {
    return bare.split(".").every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  }
  return bare.includes(":") && URL.canParse(`http://[${bare}]/`);
}
