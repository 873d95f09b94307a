import { assertEquals } from "@std/assert";
import { goTime, humanAge, humanDuration, humanSize, shortId } from "./human.ts";

Deno.test("humanSize() shows three digits in decimal units", () => {
  const table: [number, string][] = [
    [0, "0B"],
    [999, "999B"],
    [1000, "1kB"],
    [1234, "1.23kB"],
    [12_345, "12.3kB"],
    [999_499, "999kB"],
    [999_999, "1MB"],
    [5_600_000_000, "5.6GB"],
  ];
  for (const [bytes, expected] of table) assertEquals(humanSize(bytes), expected);
});

Deno.test("humanDuration() uses docker's words", () => {
  const hour = 3_600_000;
  const table: [number, string][] = [
    [10, "Less than a second"],
    [1000, "1 second"],
    [59_000, "59 seconds"],
    [60_000, "About a minute"],
    [45 * 60_000, "45 minutes"],
    [hour, "About an hour"],
    [47 * hour, "47 hours"],
    [13 * 24 * hour, "13 days"],
    [15 * 24 * hour, "2 weeks"],
    [70 * 24 * hour, "2 months"],
    [800 * 24 * hour, "2 years"],
  ];
  for (const [ms, expected] of table) assertEquals(humanDuration(ms), expected);
});

Deno.test("humanAge(), goTime() and shortId() show what is unknown as N/A and the rest short", () => {
  const moment = new Date("2024-05-01T10:00:00.123Z");
  assertEquals(humanAge(moment, new Date("2024-05-01T12:00:00Z")), "2 hours ago");
  assertEquals(humanAge(undefined, moment), "N/A");
  assertEquals(goTime(moment), "2024-05-01 10:00:00 +0000 UTC");
  assertEquals(goTime(undefined), "N/A");
  assertEquals(shortId(`sha256:${"abcdef".repeat(10)}`), "abcdefabcdef");
});
