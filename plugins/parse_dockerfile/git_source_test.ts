import { assertEquals } from "@std/assert";
import { readGitSource } from "./git_source.ts";

Deno.test("readGitSource() takes repositories when they are told from files and downloads", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["https://example.com/r.git", "https://example.com/r.git"],
    ["https://example.com/r.git#main:a/b/", "https://example.com/r.git#main:a/b"],
    ["https://example.com/r.git#:./sub", "https://example.com/r.git#:sub"],
    ["git@example.com:o/r", "git@example.com:o/r"],
    ["git@example.com:o/r?tag=v1#", "git@example.com:o/r#refs/tags/v1"],
    ["ssh://git@example.com:22/o/r?ref=x&subdir=d", "ssh://git@example.com:22/o/r#x:d"],
    ["git://example.com/r", "git://example.com/r"],
    ["http://example.com/r.git?branch=refs/heads/b", "http://example.com/r.git#refs/heads/b"],
  ];
  for (const [text, url] of cases) assertEquals(readGitSource(text), { url });
});

Deno.test("readGitSource() gives the checksum and keep-git-dir when the query has them", () => {
  assertEquals(readGitSource("https://example.com/r.git?commit=abc&keep-git-dir"), {
    url: "https://example.com/r.git",
    keepGitDir: true,
    checksum: "abc",
  });
});

Deno.test("readGitSource() gives undefined when a source is a file or a download", () => {
  for (
    const text of [
      "a.git",
      "./r.git",
      "/git@host",
      "https://example.com/r.git/x",
      "https://example.com/r?x=.git",
      "example.com:x",
      "ftp://x/r.git",
    ]
  ) {
    assertEquals(readGitSource(text), undefined, text);
  }
});

Deno.test("readGitSource() tells what is wrong when options clash, are unknown or cannot be done", () => {
  const state = (text: string): unknown => {
    const found = readGitSource(text);
    return found !== undefined && "state" in found ? found.unsupported ?? found.state : found;
  };
  assertEquals(state("https://e.com/r.git?ref=a#b"), `it names two: "b" and "a"`);
  assertEquals(state("https://e.com/r.git?ref="), "its ref has no value");
  assertEquals(state("https://e.com/r.git?nosuch=1"), `its option "nosuch" is not known`);
  assertEquals(
    state("https://e.com/r.git?keep-git-dir=maybe"),
    `its option "keep-git-dir" is "maybe", expected true or false`,
  );
  assertEquals(state("https://e.com/r.git?submodules=false"), "submodules");
});
