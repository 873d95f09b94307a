import { assertEquals } from "@std/assert";

async function kindOf(...permissions: string[]): Promise<string> {
  const script = `
    import { openLibc } from ${JSON.stringify(import.meta.resolve("./libc.ts"))};
    import { openRoot } from ${JSON.stringify(import.meta.resolve("./file_system.ts"))};
    using root = openRoot(".");
    console.log(openLibc() === undefined ? "portable" : "libc", root.lstat(".")?.type, root.lstat("absent/x"));
  `;
  const args = ["run", "--no-prompt", "--no-lock", ...permissions, "-"];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", stderr: "inherit" }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(script));
  await input.close();
  return new TextDecoder().decode((await child.output()).stdout).trim();
}

Deno.test("openLibc() gives nothing when FFI is not permitted", async () => {
  assertEquals(await kindOf("--allow-read"), "portable directory undefined");
  assertEquals(await kindOf("-A", "--deny-ffi"), "portable directory undefined");
});

Deno.test({
  name: "openLibc() opens libc when FFI is permitted, be it by its path only",
  ignore: Deno.build.os !== "linux",
  async fn(): Promise<void> {
    assertEquals(await kindOf("--allow-read", "--allow-ffi"), "libc directory undefined");
    const path = `/lib/${Deno.build.arch}-linux-gnu/libc.so.6`;
    assertEquals(await kindOf("--allow-read", `--allow-ffi=${path}`), "libc directory undefined");
  },
});
