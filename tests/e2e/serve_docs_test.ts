/** What docs/api.md shows of listening, of strata's own API and of the registry runs. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { startDockerd } from "../helpers/dockerd.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { startServe } from "../helpers/serve.ts";
import { strataCommand, tempFolder } from "../helpers/strata.ts";

const root = fromFileUrl(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Blocks of a language in a section of the page. */
async function blocks(section: string, language: string): Promise<readonly string[]> {
  const page = await Deno.readTextFile(`${root}/docs/api.md`);
  const from = page.slice(page.indexOf(`## ${section}\n`));
  const end = from.indexOf("\n## ");
  const text = end < 0 ? from : from.slice(0, end);
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((match) =>
    match[1] ?? ""
  );
}

const ignore = isMissing(peers.docker, peers.dockerd, peers.skopeo, "root");
Deno.test({ name: "the commands that docs/api.md shows for the registry run", ignore }, async () => {
  await using folder = await tempFolder();
  await using daemon = await startDockerd();
  const [serve = "", clients = ""] = await blocks("A registry", "sh");
  const lines = /^openssl rand -hex 24 > token\nstrata serve (.+) --listen 127\.0\.0\.1:5000 --token-file token\n$/;
  assertMatch(serve, lines);
  const token = `${folder.path}/token`;
  await Deno.writeTextFile(token, crypto.getRandomValues(new Uint8Array(24)).toHex());
  const options = { root: `${folder.path}/root` };
  const flags = lines.exec(serve)?.[1]?.split(" ") ?? [];
  await using server = await startServe(options, ...flags, "--listen", "127.0.0.1:0", "--token-file", token);
  const here = clients.replaceAll("127.0.0.1:5000", server.address).replace(/(< |cat )token/g, `$1${token}`);
  const command = strataCommand().map((word) => `'${word}'`).join(" ");
  const output = await new Deno.Command("sh", {
    args: ["-ec", `strata() { ${command} "$@"; }\n${here}`],
    cwd: root,
    env: { DOCKER_HOST: daemon.host, DOCKER_CONFIG: `${folder.path}/docker`, STRATA_ROOT: options.root, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(output.stdout);
  assertEquals(output.code, 0, text + new TextDecoder().decode(output.stderr));
  assertStringIncludes(text, "Login Succeeded\n");
  assertMatch(text, /^team\/hello +2 /m);
  assertStringIncludes(text, '"Tags": [\n        "2"\n    ]');
});

Deno.test("the script that docs/api.md shows answers", async () => {
  await using folder = await tempFolder();
  const [script = ""] = await blocks("Listening", "ts");
  const here = script.replace('"./mod.ts"', JSON.stringify(`${root}/mod.ts`))
    .replace('"./core/api/mod.ts"', JSON.stringify(`${root}/core/api/mod.ts`))
    .replace("/tmp/strata-api", `${folder.path}/root`);
  await folder.write({ "script.ts": here });
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--check", `--config=${root}/deno.json`, `${folder.path}/script.ts`],
    cwd: root,
  }).output();
  assertEquals(output.code, 0, new TextDecoder().decode(output.stderr));
  assertEquals(new TextDecoder().decode(output.stdout), "200\n");
});

Deno.test(
  { name: "the commands that docs/api.md shows for strata's own API run", ignore: isMissing(peers.curl) },
  async () => {
    await using folder = await tempFolder();
    const [serve = "", clients = ""] = await blocks("strata's own API", "sh");
    const lines = /^strata serve (.+) --socket strata\.sock (.+)\n$/;
    assertMatch(serve, lines);
    const [, first = "", rest = ""] = lines.exec(serve) ?? [];
    const socket = `${folder.path}/strata.sock`;
    const options = { root: `${folder.path}/root`, cwd: root };
    await using server = await startServe(options, ...first.split(" "), "--socket", socket, ...rest.split(" "));
    const output = await new Deno.Command("sh", {
      args: ["-ec", clients.replaceAll("strata.sock", server.address)],
      cwd: root,
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(output.stdout);
    assertEquals(output.code, 0, text + new TextDecoder().decode(output.stderr));
    assertStringIncludes(text, '"familiarTags":["hello:latest"]');
    assertStringIncludes(text, "event: result\n");
    assertStringIncludes(text, '"path":"/srv/site/hello.txt"');
    assertStringIncludes(text, '{"type":"untagged","name":"hello:2"}');
  },
);
