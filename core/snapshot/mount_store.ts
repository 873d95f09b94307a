import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import { fileBytes } from "./directory.ts";
import type { MountLease, MountRequest, MountStore } from "./mount.ts";
import { MountDirectory } from "./mount_directory.ts";
import { mountName } from "./mount_place.ts";

export type * from "./mount.ts";
export type { MountMeta } from "./mount_place.ts";

/** How often a mount that others have is asked for again. */
const pollMs = 50;

/** Opens the cache mounts below the root of a store. Nothing is made before one is needed. */
export function openMountStore(root: string, clock: () => Date): MountStore {
  const place = new MountDirectory(`${root}/mounts`, clock);
  return {
    list: () => place.list(),
    acquire: (request, call) => acquire(place, request, call),
    hold: (info) => place.hold(info.name),
    remove: (info) => place.remove(info.name),
    size: (info) => fileBytes(`${info.directory}/data`),
    stage: (name) => place.stage(name),
    replace: (staged) => place.replace(staged),
    sweep: () => place.sweep(),
  };
}

async function acquire(place: MountDirectory, { id, sharing }: MountRequest, call: Call): Promise<MountLease> {
  const first = await mountName(id);
  while (true) {
    if (call.signal.aborted) {
      throw new EngineError("CANCELED", `Cannot go on waiting for cache mount "${id}": it was canceled`, {
        cause: call.signal.reason,
      });
    }
    const lease = place.take(first, { id, sharing });
    if (lease !== undefined) return lease;
    await delay(pollMs, call.signal);
  }
}

/** Waits for a while, or until the signal aborts. */
function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const stop = (): void => resolve();
  signal.addEventListener("abort", stop, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  });
}
