import type { RunOptions } from "./run_options.ts";

/** Name that a host has for its containers, as docker knows it. */
const gatewayName = "host-gateway";

/** Text of `/etc/hosts` for a run. */
export function hostsFile(hostname: string, hosts: RunOptions["hosts"] = []): string {
  const lines = [
    `127.0.0.1\tlocalhost ${hostname}`,
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "ff00::0\tip6-mcastprefix",
    "ff02::1\tip6-allnodes",
    "ff02::2\tip6-allrouters",
    // The network is the host's own, so the host is where the command is.
    ...hosts.map(({ name, address }) => `${address === gatewayName ? "127.0.0.1" : address}\t${name}`),
  ];
  return lines.join("\n") + "\n";
}

/** Text of `/etc/resolv.conf` for a run: the host's, with what the options replace. */
export function resolverFile(host: string, options: Pick<RunOptions, "dns" | "dnsSearch" | "dnsOptions">): string {
  const { dns, dnsSearch, dnsOptions } = options;
  if (dns === undefined && dnsSearch === undefined && dnsOptions === undefined) return host;
  const replaced = new Set([
    ...(dns === undefined ? [] : ["nameserver"]),
    ...(dnsSearch === undefined ? [] : ["search", "domain"]),
    ...(dnsOptions === undefined ? [] : ["options"]),
  ]);
  const kept = host.split("\n").filter((line) =>
    line.trim() !== "" && !replaced.has(line.trim().split(/\s+/)[0] ?? "")
  );
  const added = [
    ...(dns ?? []).map((address) => `nameserver ${address}`),
    ...(dnsSearch === undefined || dnsSearch.length === 0 ? [] : [`search ${dnsSearch.join(" ")}`]),
    ...(dnsOptions === undefined || dnsOptions.length === 0 ? [] : [`options ${dnsOptions.join(" ")}`]),
  ];
  return [...kept, ...added].join("\n") + "\n";
}
