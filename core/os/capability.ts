/** Names of Linux's capabilities by number (capabilities(7)). */
const names: readonly string[] = `
  CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
  NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
  SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
  MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
`.trim().split(/\s+/);

/** What docker leaves a container; as a mask 0xa80425fb. */
const defaults: ReadonlySet<string> = new Set(
  ("CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL " +
    "AUDIT_WRITE").split(" "),
);

/**
 * Capabilities that a container's root has, by number, without `CAP_`: all, or docker's default. Only those in `held`, the
 * mask of this process, as none can be given that it has not.
 */
export function containerCapabilities(held: bigint, isPrivileged: boolean): readonly string[] {
  return names.filter((name, number) => (isPrivileged || defaults.has(name)) && ((held >> BigInt(number)) & 1n) === 1n);
}

/** Mask of the capabilities this process holds (`CapPrm` of proc(5)); 0 where there is no such thing. */
export function readHeldCapabilities(): bigint {
  try {
    const mask = /^CapPrm:\s*([0-9a-f]+)$/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
    return mask === undefined ? 0n : BigInt(`0x${mask}`);
  } catch {
    return 0n;
  }
}
