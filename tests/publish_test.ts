/** What is published is the program, its docs, and nothing that only tests need. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

const root = fromFileUrl(new URL("..", import.meta.url));

Deno.test("deno publish --dry-run finds nothing wrong, and holds no tests", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assertEquals(code, 0, text);
  const files = [...text.matchAll(/^ +file:\/\/(\S+) \(/gm)].map(([, path = ""]) => path.slice(root.length));
  assertEquals(files.filter((path) => path.startsWith("tests/") || path.endsWith("_test.ts")), []);
  for (
    const path of ["mod.ts", "cli.ts", "core/host/sandbox/worker_main.ts", "plugins/mod.ts", "LICENSE", "deno.json"]
  ) {
    assert(files.includes(path), `${path} is published`);
  }
});
