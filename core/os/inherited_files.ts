import { openLibcMounter, Sys } from "./libc.ts";

/**
 * Keeps files that this process was started with from the programs it starts, but for its input and outputs. A command in a container
 * would get at the host through an open directory.
 */
export function keepInheritedFiles(): void {
  const libc = openLibcMounter();
  if (libc === undefined) return;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    const descriptor = Number(name);
    // One that has been closed since it was listed is refused.
    if (descriptor > 2) libc.fcntl(descriptor, Sys.F_SETFD, Sys.FD_CLOEXEC);
  }
}
