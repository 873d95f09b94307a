import { assertEquals } from "@std/assert";
import { parseText, refusal } from "../../tests/helpers/graph_case.ts";
import { isRemote } from "./remote_source.ts";

Deno.test("isRemote() tells URLs and repositories from paths", () => {
  for (const text of ["https://a/b", "HTTP://a", "ftp://a/b", "git@a:b", "ssh://a/b.git"]) {
    assertEquals(isRemote(text), true, text);
  }
  for (const text of ["a", "./https://a", "http:/a", "a@b", "//a/b", "a:b"]) assertEquals(isRemote(text), false, text);
});

Deno.test("ADD hides secrets of URLs in the names of its steps however it is written", async () => {
  for (const words of ['["https://u:secret@h/f", "/"]', "https://u:secret@h/f\t/", "https://u:secret@h/r.git /"]) {
    const { graph } = await parseText(`FROM scratch\nADD ${words}\nADD\t${words}\n`);
    const shown = [...graph.nodes.flatMap((node) => node.type === "layer" ? [node.name] : []), ...graph.history];
    assertEquals(JSON.stringify(shown).includes("secret"), false, words);
  }
});

Deno.test("ADD names a download by the last part of its path", async () => {
  const nameOf = async (url: string): Promise<unknown> => {
    const { graph } = await parseText(`FROM scratch\nADD ${url} /x\n`);
    return graph.nodes.find((node) => node.type === "layer" && node.op.kind === "fetch");
  };
  const names: readonly (readonly [string, string])[] = [
    ["https://h/a/b.txt?c=d/e", "b.txt"],
    ["https://h/a/b/", "b"],
    ["https://h/a%2Fb", "b"],
    ["https://h/a%zz", "a%zz"],
    ["https://h/%2e%2e", "download"],
    ["https://h", "download"],
  ];
  for (const [url, name] of names) {
    const node = JSON.parse(JSON.stringify(await nameOf(url)));
    assertEquals(node.op.args.name, name, url);
  }
});

Deno.test("ADD refuses checksums that do not fit what is added", async () => {
  const refused = async (checksum: string, source: string): Promise<boolean> =>
    (await refusal(`FROM scratch\nADD --checksum=${checksum} ${source} /x\n`)).startsWith("PARSE_FAILED 2");
  assertEquals(await refused("sha256:" + "A".repeat(64), "https://h/a"), true);
  assertEquals(await refused("md5:" + "a".repeat(32), "https://h/a"), true);
  assertEquals(await refused("constructor:", "https://h/a"), true);
  assertEquals(await refused("sha256:" + "a".repeat(64), "https://h/a https://h/b"), true);
  assertEquals(await refused("nothex", "https://h/r.git"), true);
  assertEquals(await refused("abcdef1", "https://h/r.git?checksum=1234567"), true);
  assertEquals(await refused("abcdef1", "https://h/r.git?checksum=abcdef1"), false);
  assertEquals(await refused("sha512:" + "a".repeat(128), "https://h/a"), false);
});
