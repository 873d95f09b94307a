/** `strata serve` at sockets that listen already, as systemd hands them over (sd_listen_fds(3)). */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { sha256 } from "../../core/oci/digest.ts";
import { answerOf, sendBlob } from "../helpers/registry_client.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { startServe } from "../helpers/serve.ts";
import { runBelow } from "../helpers/strata_process.ts";
import { type TempFolder, tempFolder } from "../helpers/strata.ts";

/** Program that makes a listening socket, hands it over as systemd does, and becomes the command behind it. */
function activate(family: "AF_UNIX" | "AF_INET", address: string, mode: string): readonly string[] {
  const script = `
import os, socket, sys
s = socket.socket(socket.${family})
s.bind(${address})
${family === "AF_UNIX" ? `os.chmod(${address}, ${mode})` : ""}
s.listen(64)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[1], sys.argv[1:])
`;
  return ["python3", "-c", script];
}

function optionsOf(
  folder: TempFolder,
  below: readonly string[],
): { readonly root: string; readonly below: readonly string[] } {
  return { root: `${folder.path}/root`, below };
}

const ignore = isMissing(peers.python);

Deno.test(
  { name: "strata serve answers at a socket file that was handed to it, and leaves it there", ignore },
  async () => {
    await using folder = await tempFolder();
    const path = `${folder.path}/activated.sock`;
    await using server = await startServe(optionsOf(folder, activate("AF_UNIX", JSON.stringify(path), "0o600")), "--");
    assertEquals(server.url, `unix://${path}`);
    const bytes = new Uint8Array(3_000_000).map((_, at) => at * 31 + (at >> 9));
    const { digest } = await sendBlob(server.fetch, "app", bytes);
    const blob = await server.fetch(`/v2/app/blobs/${digest}`);
    const received = new Uint8Array(await blob.arrayBuffer());
    assertEquals([received.length, await sha256(received)], [bytes.length, digest]);
    const head = await answerOf(server.fetch(`/v2/app/blobs/${digest}`, { method: "HEAD" }));
    assertEquals([head.status, head.headers.get("content-length")], [200, String(bytes.length)]);
    assertEquals((await answerOf(server.fetch("/v2/app/manifests/none"))).code, "MANIFEST_UNKNOWN");
    server.process.signal("SIGTERM");
    const { code, stderr } = await server.process.ended();
    assertEquals(code, 0, stderr);
    assert(Deno.lstatSync(path).isSocket, "it belongs to the service manager");
  },
);

Deno.test({ name: "strata serve refuses a socket file that everybody can open", ignore }, async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/open.sock`;
  const below = activate("AF_UNIX", JSON.stringify(path), "0o666");
  const { code, stderr } = await runBelow(optionsOf(folder, below), "serve");
  assertEquals(code, 2);
  assertStringIncludes(stderr, `everybody can open "${path}"`);
  assertStringIncludes(stderr, "SocketMode=0600");
});

Deno.test({
  name: "strata serve asks for the token at a port that was handed to it, and refuses one that others can reach",
  ignore,
}, async () => {
  await using folder = await tempFolder();
  await using server = await startServe(optionsOf(folder, activate("AF_INET", '("127.0.0.1", 0)', "")), "--");
  assert(server.token !== "");
  assertEquals((await answerOf(server.fetch("/v2/"))).status, 200);
  assertEquals((await answerOf(server.fetch("/v2/", { headers: { authorization: "Bearer x" } }))).status, 401);
  const open = await runBelow(optionsOf(folder, activate("AF_INET", '("0.0.0.0", 0)', "")), "serve");
  assertEquals(open.code, 2);
  assertStringIncludes(open.stderr, "others can reach it");
});
