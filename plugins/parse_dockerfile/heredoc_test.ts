import { assertEquals } from "@std/assert";
import { createKit } from "../../core/kit.ts";
import { findHeredocMarks, finishHeredoc, readHeredocMark } from "./heredoc.ts";

const kit = createKit();

Deno.test("readHeredocMark() reads number, dash, name and quotes when they are given", () => {
  assertEquals(readHeredocMark("3<<-'E'F", kit), { name: "EF", fd: "3", chomp: true, expand: false });
  assertEquals(readHeredocMark("<<E\\'F", kit), { name: "E'F", fd: "", chomp: false, expand: true });
});

Deno.test("readHeredocMark() gives nothing when a word is none", () => {
  for (const word of ["", "<<", "<<-", "<E", "a<<E", "<<<E", "<<E<", '<<""', "<<'E"]) {
    assertEquals(readHeredocMark(word, kit), undefined);
  }
});

Deno.test("findHeredocMarks() gives all in order when a line has several", () => {
  const names = findHeredocMarks("RUN a <<b 1<< c '<<d' <<\"e f\" $g <<$h", kit).map(({ name }) => name);
  assertEquals(names, ["b", "c", "e f", "$h"]);
});

Deno.test("findHeredocMarks() gives none when the line cannot be read", () => {
  assertEquals(findHeredocMarks("RUN a <<b 'c", kit), []);
});

Deno.test("finishHeredoc() strips leading tabs only when the mark has a dash", () => {
  const heredoc = { name: "a", fd: "", expand: true, raw: "\t\tx\ty\n\t\n \tz\n" };
  assertEquals(finishHeredoc({ ...heredoc, chomp: true }).text, "x\ty\n\n \tz\n");
  assertEquals(finishHeredoc({ ...heredoc, chomp: false }).text, heredoc.raw);
});
