import { assert, assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { isGitUrl, parseGitUrl, redactUrl } from "./git_url.ts";

Deno.test("isGitUrl() tells repositories from downloads when asked as docker is", () => {
  for (
    const url of [
      "https://example.com/repo.git",
      "http://example.com/repo.git#main:dir",
      "https://example.com/repo.git?ref=main&subdir=dir",
      "git://example.com/repo",
      "ssh://git@example.com/repo",
      "git@example.com:owner/repo.git",
      "github.com/owner/repo",
    ]
  ) assert(isGitUrl(url), url);
  for (
    const url of [
      "https://example.com/a.tar.gz",
      "https://example.com/x.git/file",
      "./repo.git",
      "dir",
      "ftp://x/y.git",
    ]
  ) assert(!isGitUrl(url), url);
});

Deno.test("parseGitUrl() takes a URL apart when it has a reference and a folder", () => {
  const remote = "https://example.com/repo.git";
  assertEquals(parseGitUrl(remote), { remote, ref: undefined, directory: undefined });
  assertEquals(parseGitUrl(`${remote}#v1.0`), { remote, ref: "v1.0", directory: undefined });
  assertEquals(parseGitUrl(`${remote}#refs/heads/a:./sub//dir/`), {
    remote,
    ref: "refs/heads/a",
    directory: "sub/dir",
  });
  assertEquals(parseGitUrl(`${remote}#:sub`), { remote, ref: undefined, directory: "sub" });
  assertEquals(parseGitUrl("github.com/o/r#x").remote, "https://github.com/o/r");
  assertEquals(parseGitUrl("git@example.com:o/r.git#x").remote, "git@example.com:o/r.git");
});

Deno.test("parseGitUrl() throws INVALID_ARGUMENT when git could misread the URL", () => {
  for (
    const url of [
      "--upload-pack=touch /tmp/x",
      "ext::sh -c touch% /tmp/x",
      "ssh://-oProxyCommand=x/repo",
      "git@-oProxyCommand=x:repo",
      "git@host:-x",
      "https://example.com/a b.git",
      "https://example.com/a\n.git",
      "/local/path.git",
      "https://example.com/r.git#--upload-pack=x",
      "https://example.com/r.git#a..b",
      "https://example.com/r.git#a b",
      "https://example.com/r.git#main:../../etc",
      "",
    ]
  ) assertEquals(assertThrows(() => parseGitUrl(url), EngineError).code, "INVALID_ARGUMENT", url);
});

Deno.test("redactUrl() hides user and password when a URL has them", () => {
  assertEquals(redactUrl("https://user:secret@example.com/r.git"), "https://example.com/r.git");
  assertEquals(redactUrl("https://user:se@cret@example.com/r.git"), "https://example.com/r.git");
  assertEquals(redactUrl("https://example.com/@x"), "https://example.com/@x");
  const error = assertThrows(() => parseGitUrl("https://u:secret@example.com/r.git#a b"), EngineError);
  assert(!error.message.includes("secret"));
});
