/** Runs in a Worker with the permissions of one plugin: serves it over the Worker's messages. */
import { servePlugin } from "./serve.ts";
import type { Head, Wire } from "./wire.ts";

/** What the global object of a Worker has, as far as it is used. */
interface Scope {
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  close(): void;
}

function openWire(): Wire {
  const scope = globalThis as unknown as Scope;
  const post = scope.postMessage.bind(scope);
  const close = scope.close.bind(scope);
  return {
    send: (head: Head, body?: ArrayBuffer) =>
      post({ head: JSON.stringify(head), body }, body === undefined ? [] : [body]),
    listen(onMessage): void {
      scope.addEventListener("message", ({ data }) => onMessage(JSON.parse(data.head), data.body));
    },
    close: () => Promise.resolve(close()),
  };
}

servePlugin(openWire());
