import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import type { FileStat } from "./file_stat.ts";
import { type PathLookup, resolvePath } from "./resolve_path.ts";

/** A root in which some paths are symlinks and all others are absent or directories. */
function rootWith(links: Readonly<Record<string, string>>): PathLookup {
  return {
    lstat: (path) => path in links ? { type: "symlink" } as FileStat : undefined,
    readLink: (path) => links[path] ?? "",
  };
}

const cases: readonly (readonly [path: string, links: Readonly<Record<string, string>>, to: string])[] = [
  ["/", {}, "."],
  ["", {}, "."],
  ["//a/./b/", {}, "a/b"],
  ["/../../a", {}, "a"],
  ["/a/b/../../../c", {}, "c"],
  ["/a/b", { a: "/x/y" }, "x/y/b"],
  ["/a/b", { a: "../../../x" }, "x/b"],
  ["/d/a", { "d/a": "x" }, "d/x"],
  ["/d/a", { "d/a": "../x", x: "/y" }, "y"],
  ["/a/../b", { a: "/x/y" }, "x/b"],
  ["/a", { a: "/" }, "."],
  ["/absent/a", { a: "/x" }, "absent/a"],
];
for (const [path, links, to] of cases) {
  Deno.test(`resolvePath() leads "${path}" to "${to}" where ${JSON.stringify(links)} are symlinks`, () =>
    assertEquals(resolvePath(rootWith(links), path, true), to));
}

Deno.test("resolvePath() follows the last part only when it is asked to", () => {
  const root = rootWith({ a: "/x", "x/b": "/y" });
  assertEquals(resolvePath(root, "/a/b", false), "x/b");
  assertEquals(resolvePath(root, "/a/b", true), "y");
});

Deno.test("resolvePath() throws INVALID_ARGUMENT after 40 symlinks", () => {
  const chain = (length: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length }, (_, i) => [`l${i}`, `l${i + 1}`]));
  assertEquals(resolvePath(rootWith(chain(40)), "/l0", true), "l40");
  for (const links of [chain(41), { l0: "l0" }, { l0: "/l1/x", l1: "l0" }]) {
    const error = assertThrows(() => resolvePath(rootWith(links), "/l0", true), EngineError);
    assertEquals(error.code, "INVALID_ARGUMENT");
  }
});
