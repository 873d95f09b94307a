import { assert, assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { readGitQuery } from "./git_query.ts";

const remote = "https://example.com/r.git";

Deno.test("readGitQuery() gives the form with # when the URL has a query", () => {
  assertEquals(readGitQuery(remote), { url: remote });
  assertEquals(readGitQuery(`${remote}#v1:sub`), { url: `${remote}#v1:sub` });
  assertEquals(readGitQuery(`${remote}?ref=v1&subdir=a/b`), { url: `${remote}#v1:a/b` });
  assertEquals(readGitQuery(`${remote}?branch=main`), { url: `${remote}#refs/heads/main` });
  assertEquals(readGitQuery(`${remote}?tag=refs/tags/v1#:sub`), { url: `${remote}#refs/tags/v1:sub` });
  assertEquals(readGitQuery(`${remote}?ref=v1#v1`), { url: `${remote}#v1` });
  assertEquals(readGitQuery("git@example.com:o/r?subdir=x"), { url: "git@example.com:o/r#:x" });
  assertEquals(readGitQuery(`${remote}?commit=abc&keep-git-dir=1`), { url: remote, keepGitDir: true, checksum: "abc" });
  assertEquals(readGitQuery(`${remote}?checksum=abc&keep-git-dir=false`).keepGitDir, false);
  assertEquals(readGitQuery(`${remote}?`), { url: remote });
});

Deno.test("readGitQuery() throws when options are unknown, empty or contradict one another", () => {
  for (
    const query of ["?x=1", "?ref=", "?ref=a#b", "?ref=a&branch=a", "?subdir=a#:b", "?keep-git-dir=x", "?tag=a&tag=b"]
  ) {
    const error = assertThrows(() => readGitQuery(`https://u:secret@h/r.git${query}`), EngineError);
    assertEquals(error.code, "INVALID_ARGUMENT", query);
    assert(!error.message.includes("secret"));
  }
  for (const name of ["submodules", "fetch-by-commit", "mtime"]) {
    assertEquals(assertThrows(() => readGitQuery(`${remote}?${name}=1`), EngineError).code, "UNSUPPORTED");
  }
});
