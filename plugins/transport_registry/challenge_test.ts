import { assertEquals } from "@std/assert";
import { readChallenges } from "./challenge.ts";

function read(...values: readonly string[]): [string, Record<string, string>][] {
  const headers = new Headers();
  for (const value of values) headers.append("WWW-Authenticate", value);
  return readChallenges(headers).map(({ scheme, parameters }) => [scheme, { ...parameters }]);
}

const bearer = ["bearer", {
  realm: "https://auth.example/token",
  service: "registry",
  scope: "repository:a/b:pull,push",
}];

Deno.test("readChallenges() reads one challenge with quoted values that hold commas", () => {
  const text = 'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"';
  assertEquals(read(text), [bearer] as ReturnType<typeof read>);
});

Deno.test("readChallenges() reads schemes and names in any case, with blanks around the marks", () => {
  const text = 'BEARER  Realm = "https://auth.example/token" , SERVICE=registry,scope="repository:a/b:pull,push"';
  assertEquals(read(text), [bearer] as ReturnType<typeof read>);
});

Deno.test("readChallenges() reads several challenges from one header and from many", () => {
  const expected: ReturnType<typeof read> = [["negotiate", {}], ["basic", { realm: "x" }], ["bearer", { realm: "y" }]];
  assertEquals(read('Negotiate, Basic realm="x", Bearer realm="y"'), expected);
  assertEquals(read("Negotiate", 'Basic realm="x"', 'Bearer realm="y"'), expected);
});

Deno.test("readChallenges() reads escapes, and the first of two values with one name", () => {
  assertEquals(read('Basic realm="a \\"b\\" \\\\ c", realm="d"'), [["basic", { realm: 'a "b" \\ c' }]]);
});

Deno.test("readChallenges() passes over what cannot be read", () => {
  assertEquals(read(""), []);
  assertEquals(readChallenges(new Headers()), []);
  assertEquals(read("Negotiate YWJj=="), [["negotiate", { ywjj: "=" }]]);
  assertEquals(read(',,"",=x, Basic'), [["x", {}], ["basic", {}]]);
  assertEquals(read('Bearer realm="open'), [["bearer", { realm: "open" }]]);
  assertEquals(read('realm="nobody\'s"'), []);
});

Deno.test("readChallenges() takes no longer than the header is long", () => {
  const started = performance.now();
  read(`Bearer realm="${"\\".repeat(50_000)}`);
  read("a ".repeat(50_000));
  read(`Bearer ${"a=".repeat(50_000)}`);
  assertEquals(performance.now() - started < 2000, true);
});
