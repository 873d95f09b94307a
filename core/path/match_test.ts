import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { compileIgnore, hasWildcard, matchPath, readIgnoreFile } from "./match.ts";

Deno.test("matchPath() follows Go's filepath.Match", () => {
  const table: [string, string, boolean][] = [
    ["abc", "abc", true],
    ["*", "abc", true],
    ["*c", "abc", true],
    ["a*", "ab/c", false],
    ["a*/b", "abc/b", true],
    ["a*/b", "a/c/b", false],
    ["a*b*c*d*e*/f", "axbxcxdxexxx/f", true],
    ["a*b?c*x", "abxbbxdbxebxczzx", true],
    ["ab[c]", "abc", true],
    ["ab[b-d]", "abc", true],
    ["ab[e-g]", "abc", false],
    ["ab[^c]", "abc", false],
    ["ab[^e-g]", "abc", true],
    ["a\\*b", "a*b", true],
    ["a\\*b", "ab", false],
    ["a?b", "a☺b", true],
    ["a[^a]b", "a☺b", true],
    ["a???b", "a☺b", false],
    ["[a-ζ]*", "α", true],
    ["*[a-ζ]", "A", false],
    ["a?b", "a/b", false],
    ["a*b", "a/b", false],
    ["a[^x]b", "a/b", false],
    ["[\\]a]", "]", true],
    ["[\\-]", "-", true],
    ["[x\\-]", "-", true],
    ["[[]x", "[x", true],
    ["*x", "xxx", true],
    ["a.c", "abc", false],
    ["**", "a/b", false],
  ];
  for (const [pattern, path, expected] of table) {
    assertEquals(matchPath(pattern, path), expected, `${pattern} ~ ${path}`);
  }
});

Deno.test("matchPath() refuses a malformed pattern", () => {
  for (const pattern of ["[]a]", "[-]", "[x-]", "[-x]", "a[", "[", "[^", "[^bc", "a\\", "[a-", "[a\\"]) {
    assertThrows(() => matchPath(pattern, "a"), EngineError, "brackets or escapes");
  }
});

Deno.test("hasWildcard() tells patterns from names", () => {
  assertEquals(["a*", "a?", "[a]", "a\\b"].map(hasWildcard), [true, true, true, true]);
  assertEquals(hasWildcard("a/b.c"), false);
});

Deno.test("readIgnoreFile() drops comments and blanks and cleans the rest", () => {
  const text = "\uFEFF# comment\r\n  # kept\n\n /a/b/ \n!  c/../d\n./x//y\n!\n/\n";
  assertEquals(readIgnoreFile(text), ["# kept", "a/b", "!d", "x/y", "!", "/"]);
});

function excluded(patterns: string[], ...paths: string[]): string[] {
  const matcher = compileIgnore(patterns);
  return paths.filter((path) => matcher.isExcluded(path));
}

Deno.test("compileIgnore() matches from the root only and takes folders with their content", () => {
  assertEquals(excluded(["foo"], "foo", "foo/a", "foo/a/b", "x/foo", "food"), ["foo", "foo/a", "foo/a/b"]);
  assertEquals(excluded(["**/foo"], "foo", "x/foo", "x/y/foo/z", "food"), ["foo", "x/foo", "x/y/foo/z"]);
  assertEquals(excluded(["*.md"], "a.md", "d/a.md"), ["a.md"]);
  assertEquals(excluded(["**/*.md"], "a.md", "d/e/a.md", "a.mdx"), ["a.md", "d/e/a.md"]);
  assertEquals(excluded(["a/**"], "a", "a/b", "a/b/c"), ["a/b", "a/b/c"]);
  assertEquals(excluded(["a/**/b"], "a/b", "a/x/b", "a/x/y/b", "ab"), ["a/b", "a/x/b", "a/x/y/b"]);
  assertEquals(excluded(["/dir/"], "dir", "dir/x"), ["dir", "dir/x"]);
  assertEquals(excluded(["**"], "a", "a/b"), ["a", "a/b"]);
});

Deno.test("compileIgnore() lets the last match win", () => {
  assertEquals(excluded(["*", "!a"], "a", "b", "a/x"), ["b"]);
  assertEquals(excluded(["*", "!a/x"], "a", "a/x", "a/y"), ["a", "a/y"]);
  assertEquals(excluded(["!a", "*"], "a"), ["a"]);
  assertEquals(excluded(["docs", "!docs/README.md", "docs/README.md"], "docs/README.md"), ["docs/README.md"]);
  assertEquals(excluded(["*.md", "!README*.md", "README-secret.md"], "a.md", "README.md", "README-secret.md"), [
    "a.md",
    "README-secret.md",
  ]);
});

Deno.test("compileIgnore() tells whether a folder may be skipped", () => {
  assertEquals(compileIgnore(["a"]).canSkipBelow("a"), true);
  assertEquals(compileIgnore(["a", "!a/b"]).canSkipBelow("a"), false);
  assertEquals(compileIgnore(["a", "b", "!b/c"]).canSkipBelow("a"), true);
  assertEquals(compileIgnore(["a", "!**/x"]).canSkipBelow("a"), false);
  assertEquals(compileIgnore(["*", "!?/x/y"]).canSkipBelow("a/x"), false);
  assertEquals(compileIgnore(["*", "!?/x/y"]).canSkipBelow("a/z"), true);
});

Deno.test("compileIgnore() refuses a lone exclamation mark and a malformed pattern", () => {
  assertThrows(() => compileIgnore(["!"]), EngineError, 'Cannot use ignore pattern "!"');
  assertThrows(() => compileIgnore(["a["]), EngineError, "brackets or escapes");
});

Deno.test("compileIgnore() decides on patterns that would make an expression backtrack without end", () => {
  assertEquals(excluded(["*a".repeat(12) + "b"], "a".repeat(60)), []);
  assertEquals(excluded(["**/".repeat(6) + "x"], "y/".repeat(40) + "z"), []);
  assertEquals(excluded(["**/a/**/b/**/*.c"], "a/b/x.c", "q/a/q/b/q/x.c", "a/x.c"), ["a/b/x.c", "q/a/q/b/q/x.c"]);
});
