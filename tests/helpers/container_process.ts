/** Runs one container, given as JSON, with this process's outputs or terminal; ends with its exit code. For tests that kill it. */
import type { Container } from "../../core/os/container.ts";
import { findRuntime } from "../../core/os/find_runtime.ts";

/** The argument. */
export interface ContainerProcessInput {
  readonly runtime: string;
  readonly isTerminal: boolean;
  readonly container: Container;
}

if (import.meta.main) {
  const input: ContainerProcessInput = JSON.parse(Deno.args[0] ?? "");
  const call = { signal: new AbortController().signal, emit: () => {} };
  const runtime = await findRuntime(input.runtime, call);
  const write = (stream: "stdout" | "stderr", data: Uint8Array<ArrayBuffer>): void => void Deno[stream].writeSync(data);
  Deno.exit(
    await runtime.run(input.container, input.isTerminal ? { type: "terminal" } : { type: "capture", write }, call),
  );
}

/** The command line that runs it. */
export function containerProcess(input: ContainerProcessInput): readonly string[] {
  return [Deno.execPath(), "run", "-A", "--no-lock", new URL(import.meta.url).pathname, JSON.stringify(input)];
}

/** Processes of this host whose command line holds a text. */
export function findProcesses(text: string): readonly number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    try {
      // A process that is dead but not yet collected has no command line.
      if (Deno.readTextFileSync(`/proc/${name}/cmdline`).includes(text)) found.push(Number(name));
    } catch {
      // It has ended.
    }
  }
  return found;
}
