/**
 * User namespaces: how a user who is not root gets to mount file systems and to give files to other users, all of it only in a namespace
 * in which the user is root and other users stand for a range of numbers that the host has set apart for them.
 *
 * @module
 */
import { EngineError } from "../errors.ts";
import { findProgram } from "./find_program.ts";

/** What this host lacks for a user namespace with several users, as phrases; empty when nothing. */
export function missingForUserNamespace(): readonly string[] {
  const missing: string[] = [];
  for (const program of ["unshare", "setpriv", "newuidmap", "newgidmap"]) {
    if (findProgram(program) === undefined) missing.push(`the program ${program}`);
  }
  for (const file of ["/etc/subuid", "/etc/subgid"]) {
    if (!hasRange(file)) missing.push(`a range for this user in ${file}`);
  }
  if (Number(read("/proc/sys/user/max_user_namespaces") ?? "1") === 0) missing.push("user namespaces in the kernel");
  if (read("/proc/sys/kernel/unprivileged_userns_clone")?.trim() === "0") {
    missing.push("user namespaces for users (kernel.unprivileged_userns_clone)");
  }
  return missing;
}

/** Whether a file of subordinate ids (subuid(5)) has a range for this user. */
function hasRange(file: string): boolean {
  const names = [String(Deno.uid()), ...userNames()];
  const lines = read(file)?.split("\n") ?? [];
  return lines.some((line) => {
    const [name = "", start = "", count = ""] = line.trim().split(":");
    return names.includes(name) && /^\d+$/.test(start) && Number(count) > 0;
  });
}

function userNames(): readonly string[] {
  return (read("/etc/passwd")?.split("\n") ?? []).flatMap((line) => {
    const [name = "", , uid = ""] = line.split(":");
    return Number(uid) === Deno.uid() && uid !== "" ? [name] : [];
  });
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Runs a command on this process's own input and outputs in a user namespace in which this user is root; gives its exit code. It ends
 * when this process does. Aborting the signal asks it to end, as Ctrl-C does. Rejects `UNSUPPORTED` saying what the host lacks.
 */
export async function runInUserNamespace(
  command: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const missing = missingForUserNamespace();
  if (missing.length > 0) throw unsupported(missing);
  // The signal that ends it with its parent is set inside: entering a namespace would clear it.
  const args = ["-U", "--map-root-user", "--map-auto", "-m", "--", "setpriv", "--pdeathsig", "KILL", "--", ...command];
  const child = new Deno.Command("unshare", {
    args,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const stop = (): void => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    return (await child.status).code;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** The error for a host on which a user who is not root cannot run commands in images. */
export function unsupported(missing: readonly string[]): EngineError {
  return new EngineError(
    "UNSUPPORTED",
    `Cannot run commands without being root: this host lacks ${missing.join(", ")}`,
    {
      detail: { what: "user namespace", known: [...missing] },
      hint: "Install uidmap and give this user ranges in /etc/subuid and /etc/subgid, or run strata as root",
    },
  );
}
