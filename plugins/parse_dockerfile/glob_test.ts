import { assertEquals } from "@std/assert";
import { findGlob, type GlobPattern, matchHere, readGlob, reverseGlob } from "./glob.ts";

function glob(text: string): GlobPattern {
  const pattern = readGlob(text);
  if (pattern === undefined) throw new TypeError(text);
  return pattern;
}

Deno.test("readGlob() gives nothing when a backslash stands before an ordinary character or at the end", () => {
  assertEquals([readGlob("a\\"), readGlob("\\a"), readGlob("\\\\\\")], [undefined, undefined, undefined]);
});

Deno.test("readGlob() takes characters as they are when a backslash stands before them", () => {
  assertEquals(glob("\\*\\?\\\\\\/\\}"), { runs: [["*", "?", "\\", "/", "}"]] });
});

Deno.test("matchHere() gives the shortest or longest end when stars leave a choice", () => {
  const text = [..."abcabc"];
  assertEquals(matchHere(glob("a*b"), text, { from: 0, longest: false }), 2);
  assertEquals(matchHere(glob("a*b"), text, { from: 0, longest: true }), 5);
  assertEquals(matchHere(glob("*"), text, { from: 0, longest: false }), 0);
  assertEquals(matchHere(glob("b"), text, { from: 0, longest: true }), undefined);
});

Deno.test("findGlob() gives the leftmost longest place when the pattern occurs several times", () => {
  assertEquals(findGlob(glob("b?"), [..."abcabc"], 0), { start: 1, end: 3 });
  assertEquals(findGlob(glob("b*c"), [..."abcabc"], 2), { start: 4, end: 6 });
  assertEquals(findGlob(glob("x"), [..."abc"], 0), undefined);
});

Deno.test("reverseGlob() matches reversed text when the pattern matched the text", () => {
  assertEquals(matchHere(reverseGlob(glob("b*\\*")), [..."*xb"], { from: 0, longest: true }), 3);
});
