import { assertEquals } from "@std/assert";
import { encodeEvent, EventLog, type ImageEvent, meetsFilters } from "./event_log.ts";

const event: ImageEvent = {
  action: "tag",
  id: "sha256:abc",
  attributes: { stage: "test", name: "quay.io/team/app:1" },
  time: 1_704_164_645_123_000_001n,
};

Deno.test("encodeEvent() writes docker's members and every digit of the time", () => {
  const actor = '{"ID":"sha256:abc","Attributes":{"stage":"test","name":"quay.io/team/app:1"}}';
  assertEquals(
    encodeEvent(event),
    `{"status":"tag","id":"sha256:abc","Type":"image","Action":"tag","Actor":${actor},"scope":"local",` +
      `"time":1704164645,"timeNano":1704164645123000001}\n`,
  );
});

Deno.test("meetsFilters() takes one value of a filter, all labels, and nothing for what is no image", () => {
  const meets = (filters: Record<string, string[]>): boolean => meetsFilters(event, new Map(Object.entries(filters)));
  assertEquals(meets({}), true);
  assertEquals(meets({ event: ["pull", "tag"], type: ["image"], scope: ["local"] }), true);
  assertEquals(meets({ event: ["pull"] }), false);
  assertEquals(meets({ image: ["quay.io/team/app"] }), true);
  assertEquals(meets({ image: ["quay.io/team/app:1"] }), true);
  assertEquals(meets({ image: ["abc"] }), true);
  assertEquals(meets({ image: ["quay.io/team/ap"] }), false);
  assertEquals(meets({ label: ["stage", "stage=test"] }), true);
  assertEquals(meets({ label: ["stage", "stage=prod"] }), false);
  assertEquals(meets({ label: ["constructor"] }), false);
  for (const key of ["container", "network", "volume", "daemon"]) assertEquals(meets({ [key]: ["x"] }), false, key);
  assertEquals(meets({ type: ["container"] }), false);
});

Deno.test("EventLog remembers the last 256 events, gives each a later time, and tells who listens until they stop", () => {
  const log = new EventLog(() => new Date(1000));
  const heard: ImageEvent[] = [];
  {
    using listening = log.listen((each) => heard.push(each));
    void listening;
    for (let at = 0; at < 300; at++) log.add({ action: "tag", id: String(at), attributes: {} });
  }
  log.add({ action: "untag", id: "300", attributes: {} });
  const events = log.list();
  assertEquals([events.length, events[0]?.id, events.at(-1)?.id, heard.length], [256, "45", "300", 300]);
  assertEquals(events.every(({ time }, at) => at === 0 || time > (events[at - 1]?.time ?? 0n)), true);
});
