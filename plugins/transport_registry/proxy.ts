import type { Kit, ProxySettings } from "../../core/contract/mod.ts";
import { isWithin, readAddress } from "./address_range.ts";
import { isLoopback } from "./endpoint.ts";

/** What decides over the proxy of a request. */
export interface ProxyChoice {
  /** Proxy of the registry: a URL, empty for none, undefined for the general one. */
  readonly own: string | undefined;
  /** Proxies of the environment. */
  readonly general: ProxySettings;
}

/**
 * The proxy that a request goes through; undefined for none. This machine is always asked directly. Throws `INVALID_ARGUMENT` for a
 * proxy that is no URL.
 */
export function chooseProxy(url: URL, { own, general }: ProxyChoice, kit: Kit): URL | undefined {
  if (own === "") return undefined;
  if (own !== undefined) return readProxy(own, kit);
  const proxy = url.protocol === "https:" ? general.https : general.http;
  if (proxy === undefined || isLoopback(url.hostname)) return undefined;
  return general.none.some((entry) => isExcepted(url, entry)) ? undefined : readProxy(proxy, kit);
}

function readProxy(text: string, kit: Kit): URL {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url !== null && /^(https?|socks5h?):$/.test(url.protocol) && url.hostname !== "") return url;
  // The text may hold a password, so it is not shown.
  throw kit.error("INVALID_ARGUMENT", "Cannot use the proxy: it is no URL", {
    detail: { field: "proxy" },
    hint: "Set HTTPS_PROXY to an address such as http://proxy.example.com:3128",
  });
}

/** Whether an entry of NO_PROXY names the host: as itself, as a domain it is below, as its address or network, with or without port. */
function isExcepted(url: URL, entry: string): boolean {
  if (entry === "*") return true;
  const [, name = "", port] = /^(.*?)(?::(\d+))?$/.exec(entry.includes("::") ? `[${entry}]` : entry) ?? [];
  if (port !== undefined && port !== (url.port || (url.protocol === "https:" ? "443" : "80"))) return false;
  const host = url.hostname.toLowerCase();
  const [base = "", bits] = name.replace(/^\[|\]$/g, "").split("/");
  const address = readAddress(host);
  const network = readAddress(base);
  if (address !== undefined && network !== undefined) {
    return isWithin(address, network, bits === undefined ? network.length * 8 : Number(bits));
  }
  const domain = base.toLowerCase().replace(/^\*?\./, "");
  return domain !== "" && (host === domain || host.endsWith(`.${domain}`));
}
