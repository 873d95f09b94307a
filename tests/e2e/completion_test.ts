/** The completion scripts in the shells they are for. */
import { assertEquals } from "@std/assert";
import { isMissing, peers } from "../helpers/require.ts";
import { mustRun, strataCommand, type TempFolder, tempFolder } from "../helpers/strata.ts";

/** A folder for the PATH in which `strata` is the command under test, with one image in its store. */
async function shim(): Promise<TempFolder & { readonly env: Record<string, string> }> {
  const folder = await tempFolder();
  const command = strataCommand().map((word) => `'${word}'`).join(" ");
  const root = `${folder.path}/root`;
  await folder.write({
    "bin/strata": `#!/bin/sh\nexec ${command} "$@"\n`,
    "src/Dockerfile": "FROM scratch\nLABEL a=b\n",
  });
  await Deno.chmod(`${folder.path}/bin/strata`, 0o755);
  await mustRun({ root }, "build", "-q", "-t", "host.example:5000/app:1.0", `${folder.path}/src`);
  const env = { STRATA_ROOT: root, PATH: `${folder.path}/bin:${Deno.env.get("PATH") ?? ""}`, HOME: folder.path };
  return { ...folder, env };
}

async function shell(program: string, script: string, env: Record<string, string>): Promise<string[]> {
  const output = await new Deno.Command(program, { args: ["-c", script], env, stdin: "null" }).output();
  const text = new TextDecoder().decode(output.stdout);
  assertEquals(new TextDecoder().decode(output.stderr), "");
  return text.split("\n").filter((line) => line !== "").sort();
}

Deno.test({
  name: "completion bash gives commands, flags, choices and image names with colons",
  ignore: isMissing(peers.bash),
  async fn(): Promise<void> {
    await using at = await shim();
    const complete = (...words: string[]): Promise<string[]> => {
      const list = words.map((word) => `'${word}'`).join(" ");
      const run = `COMP_WORDS=(strata ${list}); COMP_CWORD=${words.length}; _strata; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return shell("bash", `eval "$(strata completion bash)"; ${run}`, at.env);
    };
    assertEquals(await complete("image", "l"), ["list", "load", "ls"]);
    assertEquals(await complete("build", "--no-c"), ["--no-cache", "--no-cache-filter"]);
    assertEquals(await complete("build", "--progress", "r"), ["rawjson"]);
    assertEquals(await complete("rmi", "host"), ["host.example:5000/app:1.0"]);
    assertEquals(await complete("rmi", "host.example", ":", "5000/a"), ["5000/app:1.0"]);
  },
});

Deno.test({
  name: "completion zsh gives commands and image names",
  ignore: isMissing({ program: "zsh", debianPackage: "zsh" }),
  async fn(): Promise<void> {
    await using at = await shim();
    const complete = (...words: string[]): Promise<string[]> => {
      const list = words.map((word) => `'${word}'`).join(" ");
      const stubs = 'compdef() { : }; _files() { print files }; compadd() { print -l -- "${(@P)2}" }';
      const run = `words=(strata ${list}); CURRENT=${words.length + 1}; _strata`;
      return shell("zsh", `${stubs}; source <(strata completion zsh); ${run}`, at.env);
    };
    assertEquals(await complete("image", "l"), ["list", "load", "ls"]);
    assertEquals(await complete("rmi", ""), ["host.example:5000/app:1.0"]);
    assertEquals(await complete("load", ""), ["files"]);
  },
});

Deno.test({
  name: "completion fish gives commands and image names",
  ignore: isMissing({ program: "fish", debianPackage: "fish" }),
  async fn(): Promise<void> {
    await using at = await shim();
    const complete = (line: string): Promise<string[]> =>
      shell("fish", `strata completion fish | source; complete -C '${line}'`, at.env);
    assertEquals((await complete("strata image l")).map((line) => line.split("\t")[0]), ["list", "load", "ls"]);
    assertEquals(await complete("strata rmi host"), ["host.example:5000/app:1.0"]);
  },
});
