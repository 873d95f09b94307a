import { assertEquals } from "@std/assert";
import { maskUrls, redactUrls } from "./redact.ts";

Deno.test("redactUrls() hides what may be a secret in front of the host", () => {
  assertEquals(redactUrls("https://token@h/x@y"), "https://***@h/x@y");
  assertEquals(redactUrls("https://u:p@w@h/x"), "https://***@h/x");
  assertEquals(redactUrls("ssh://git@h/x"), "ssh://git@h/x");
  assertEquals(redactUrls("ssh://git:pw@h/x"), "ssh://git:***@h/x");
  assertEquals(redactUrls("https://h/u:p@x"), "https://h/u:p@x");
  assertEquals(
    redactUrls('["https://u:p@h/x","ssh://u:p@h"]\thttp://t@h'),
    '["https://***@h/x","ssh://u:***@h"]\thttp://***@h',
  );
});

Deno.test("maskUrls() keeps every column of a line", () => {
  assertEquals(maskUrls("ADD https://a:b@c@h/x@y /z"), "ADD https://*****@h/x@y /z");
  assertEquals(maskUrls("ADD ssh://git:pw@h/x ssh://git@h/x /z"), "ADD ssh://git:**@h/x ssh://git@h/x /z");
  assertEquals(maskUrls("RUN curl https://h/a me@h"), "RUN curl https://h/a me@h");
});
