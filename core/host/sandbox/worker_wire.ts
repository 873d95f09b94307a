import type { SandboxNeeds } from "../load_file.ts";
import type { Wire } from "./wire.ts";

/** A wire to a new Worker that may do what is granted and nothing else. Throws what Deno throws when strata may not itself. */
export function openWorkerWire(name: string, { permissions: granted, usesArchives }: SandboxNeeds): Wire {
  const none = { env: false, ffi: false, import: false, net: false, read: false, run: false, sys: false, write: false };
  const url = new URL(usesArchives ? "./worker_tar_main.ts" : "./worker_main.ts", import.meta.url);
  const permissions = { ...none, ...Object.fromEntries(Object.entries(granted).map(([kind, to]) => [kind, copy(to)])) };
  // The types of the standard library know this option only together with its unstable feature.
  const options: WorkerOptions & { readonly deno: unknown } = { type: "module", name, deno: { permissions } };
  const worker = new Worker(url.href, options);
  let isOver = false;
  return {
    // A text is passed on faster than the same objects, which would be copied one by one.
    send: (head, body) => worker.postMessage({ head: JSON.stringify(head), body }, body === undefined ? [] : [body]),
    listen(onMessage, onEnd): void {
      const end = (reason: string): void => {
        if (isOver) return;
        isOver = true;
        worker.terminate();
        onEnd(reason);
      };
      worker.addEventListener("message", ({ data }) => {
        if (isOver) return;
        const message = readMessage(data);
        if (message === undefined) end("it sent what is no message");
        else onMessage(message.head, message.body);
      });
      worker.addEventListener("messageerror", () => end("it sent what cannot be read"));
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        end(event.message);
      });
    },
    close(): Promise<void> {
      isOver = true;
      worker.terminate();
      return Promise.resolve();
    },
  };
}

function copy(granted: boolean | readonly string[] | undefined): boolean | string[] {
  return Array.isArray(granted) ? [...granted] : granted === true;
}

function readMessage(data: unknown): { readonly head: unknown; readonly body: ArrayBuffer | undefined } | undefined {
  const { head, body }: Readonly<Record<string, unknown>> = { ...Object(data) };
  try {
    return { head: JSON.parse(String(head)), body: body instanceof ArrayBuffer ? body : undefined };
  } catch {
    return undefined;
  }
}
