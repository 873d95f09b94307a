import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { matchesLabels, parseFilters, parseTime, readBooleanFilter } from "./filter.ts";

const now = new Date("2024-03-01T12:00:00Z");

Deno.test("parseFilters() gathers values by key when filters are well-formed", () => {
  const filters = parseFilters(["label=a=b", "label!=c", "dangling=1", "label=d"], ["label", "label!", "dangling"]);
  assertEquals([...filters], [["label", ["a=b", "d"]], ["label!", ["c"]], ["dangling", ["1"]]]);
});

Deno.test("parseFilters() throws INVALID_ARGUMENT with the known keys when a key is unknown", () => {
  const error = assertThrows(() => parseFilters(["size=1"], ["label"]), EngineError);
  assertEquals([error.code, error.detail.known], ["INVALID_ARGUMENT", ["label"]]);
});

Deno.test("readBooleanFilter() throws when both words are given", () => {
  const filters = parseFilters(["dangling=true", "dangling=false"], ["dangling"]);
  assertThrows(() => readBooleanFilter(filters, "dangling"), EngineError);
});

Deno.test("matchesLabels() wants all of label and none of label!", () => {
  const match = (...texts: string[]): boolean =>
    matchesLabels({ a: "1", b: "x=y" }, parseFilters(texts, ["label", "label!"]));
  assertEquals([match("label=a"), match("label=a=1", "label=b=x=y"), match("label=a", "label=c")], [true, true, false]);
  assertEquals([match("label!=a"), match("label!=a=2"), match("label=toString")], [false, true, false]);
});

Deno.test("parseTime() reads seconds, dates and durations", () => {
  const cases = {
    "0": "1970-01-01T00:00:00.000Z",
    "1.5": "1970-01-01T00:00:01.500Z",
    "24h": "2024-02-29T12:00:00.000Z",
    "1h30m": "2024-03-01T10:30:00.000Z",
    "2d": "2024-02-28T12:00:00.000Z",
    "2024-01-31": "2024-01-31T00:00:00.000Z",
    "2024-01-31T10": "2024-01-31T10:00:00.000Z",
    "2024-01-31T10:20:30+02:00": "2024-01-31T08:20:30.000Z",
  };
  for (const [text, expected] of Object.entries(cases)) assertEquals(parseTime(text, now).toISOString(), expected);
});

Deno.test("parseTime() throws INVALID_ARGUMENT when the text is no time", () => {
  for (const text of ["", "soon", "24x", "2024-13-01", "-1h", "1e999", "9".repeat(400)]) {
    assertThrows(() => parseTime(text, now), EngineError);
  }
});
