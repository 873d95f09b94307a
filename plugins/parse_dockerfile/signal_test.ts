import { assertEquals } from "@std/assert";
import { isSignal } from "./signal.ts";

Deno.test("isSignal() accepts numbers and names when they are signals", () => {
  const signals = ["9", "-1", "64", "999", "TERM", "sigterm", "SigKill", "RTMIN", "RTMIN+15", "sigrtmax-14"];
  assertEquals(signals.filter((text) => !isSignal(text)), []);
});

Deno.test("isSignal() refuses a text when it is no signal", () => {
  const others = [
    "",
    "0",
    "00",
    "+0",
    "SIG",
    "TREM",
    "SIGSIGTERM",
    "RTMIN+16",
    "RTMIN+0",
    "RTMIN-1",
    "RTMAX-15",
    "TERM KILL",
  ];
  assertEquals(others.filter(isSignal), []);
});
