import { assertEquals } from "@std/assert";
import { createWatchdog } from "./watchdog.ts";

Deno.test("createWatchdog() aborts when nothing is heard", async () => {
  using watchdog = createWatchdog(1, new AbortController().signal);
  await new Promise((resolve) => watchdog.signal.addEventListener("abort", resolve));
  assertEquals(watchdog.isIdle, true);
});

Deno.test("createWatchdog() aborts with its caller, at once when that is aborted already", () => {
  const controller = new AbortController();
  using watchdog = createWatchdog(60_000, controller.signal);
  controller.abort();
  using late = createWatchdog(60_000, controller.signal);
  assertEquals([watchdog.signal.aborted, late.signal.aborted, watchdog.isIdle, late.isIdle], [
    true,
    true,
    false,
    false,
  ]);
});
