/** The distribution-spec's own conformance suite against `strata serve`, all of its tests. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { isMissing, isUnreachable, peers } from "../helpers/require.ts";
import { startServe } from "../helpers/serve.ts";
import { mustRun, tempFolder } from "../helpers/strata.ts";

/** The suite, pinned; it needs Go 1.24. */
const suite = "github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260831232431-97274622c111";

async function go(...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("go", { args: [...args], env: { GOFLAGS: "" } }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`go ${args.join(" ")}: ${decoder.decode(stderr)}`);
}

const ignore = isMissing(peers.go) ||
  await isUnreachable("the Go module proxy", () => go("list", "-m", suite));
Deno.test(
  { name: "strata serve passes the conformance suite of the distribution-spec, with nothing left out", ignore },
  async () => {
    await using folder = await tempFolder();
    const root = `${folder.path}/root`;
    await new Deno.Command("go", { args: ["install", suite], env: { GOBIN: folder.path, GOFLAGS: "" } }).output();
    await using server = await startServe({ root });
    const run = await new Deno.Command(`${folder.path}/conformance`, {
      cwd: folder.path,
      env: {
        OCI_REGISTRY: server.address,
        OCI_TLS: "disabled",
        OCI_USERNAME: "anybody",
        OCI_PASSWORD: server.token,
        OCI_VERSION: "1.1",
        // What a registry need not have, and this one has.
        OCI_API_BLOBS_UPLOAD_CANCEL: "true",
        OCI_API_BLOBS_DIGEST_HEADER: "true",
        OCI_API_MANIFESTS_DIGEST_HEADER: "true",
        OCI_API_MANIFESTS_TAG_PARAM: "true",
      },
    }).output();
    const report = new TextDecoder().decode(run.stdout);
    assertEquals(run.code, 0, report.slice(-8000));
    assertStringIncludes(report, "OCI Conformance Result: Pass");
    const count = (status: string): number => Number(new RegExp(`^  ${status}\\.+: +([0-9]+)$`, "m").exec(report)?.[1]);
    assertEquals([count("FAIL"), count("Error"), count("Skip"), count("Disabled")], [0, 0, 0, 0], report.slice(-4000));
    assert(count("Pass") > 900, "the report was understood");
    server.process.signal("SIGTERM");
    const { code, stderr } = await server.process.ended();
    assertEquals(code, 0, stderr);
    // It has deleted what it had sent, all but a name or two; whatever is left does no harm.
    await mustRun({ root }, "image", "prune", "--all", "--force");
    assertEquals((await mustRun({ root }, "image", "ls", "--all", "--quiet")).stdout, "");
  },
);
