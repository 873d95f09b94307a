/** Images edited on a real registry, read by the tools that others use. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runPeer } from "../helpers/program.ts";
import { startRegistry } from "../helpers/registry_process.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { mustRun, runStrata, tempFolder } from "../helpers/strata.ts";

const ignore = isMissing(peers.dockerRegistry, peers.skopeo, peers.podman, "root");
Deno.test(
  { name: "skopeo and podman read what strata edit made on a registry, rebased as a build would", ignore },
  async () => {
    await using registry = await startRegistry();
    await using folder = await tempFolder();
    const { host } = registry;
    const env = {
      DOCKER_CONFIG: `${folder.path}/docker`,
      XDG_RUNTIME_DIR: `${folder.path}/run`,
      SOURCE_DATE_EPOCH: "1",
    };
    const strata = { root: `${folder.path}/root`, env };
    const other = { root: `${folder.path}/other`, env };
    const push = async (name: string, dockerfile: string): Promise<void> => {
      await folder.write({ "src/Dockerfile": dockerfile, "src/file": name });
      await mustRun(strata, "build", "-q", "-t", `${host}/${name}`, `${folder.path}/src`);
      await mustRun(strata, "push", "-q", `${host}/${name}`);
    };
    for (const version of ["1", "2"]) {
      await push(`base:${version}`, `FROM scratch\nCOPY file /base${version}\nENV BASE=${version}\nUSER u${version}\n`);
    }
    await push("app:1", `FROM ${host}/base:1\nENV APP=1\nCMD ["app"]\n`);
    await push("app:2", `FROM ${host}/base:2\nENV APP=1\nCMD ["app"]\n`);
    const at = (name: string): string => `registry:${host}/${name}`;
    const flags = ["--rebase", `${at("base:1")}=${at("base:2")}`, "--label", "a=b", "--entrypoint", '["/init"]'];
    const dry = await mustRun(other, "edit", "--dry-run", ...flags, at("app:1"), at("app:edited"));
    assertStringIncludes(dry.stdout, '\n- config.Env.BASE: "1"\n+ config.Env.BASE: "2"\n');
    const { stdout } = await mustRun(other, "edit", ...flags, at("app:1"), at("app:edited"));
    assertMatch(stdout, /: Already exists\nedited: digest: sha256:[0-9a-f]{64}\n$/);
    const inspect = async (name: string, ...more: string[]): Promise<Record<string, unknown>> =>
      JSON.parse(await runPeer("skopeo", "inspect", "--tls-verify=false", ...more, `docker://${host}/${name}`));
    const [edited, built] = [await inspect("app:edited"), await inspect("app:2")];
    assertStringIncludes(stdout, `edited: digest: ${edited.Digest}\n`);
    assertEquals([edited.Layers, edited.Env, edited.Labels], [built.Layers, built.Env, { a: "b" }]);
    const { config } = await inspect("app:edited", "--config") as { config: Record<string, unknown> };
    assertEquals([config.User, config.Cmd, config.Entrypoint], ["u2", ["app"], ["/init"]]);
    const stored = (await Array.fromAsync(Deno.readDir(`${other.root}/blobs/sha256`)).catch(() => [])).length;
    assertEquals(stored, 0, "nothing is in the store");
    const podman = (...args: readonly string[]): Promise<string> => {
      const places = ["--root", `${folder.path}/p`, "--runroot", `${folder.path}/r`, "--storage-driver", "vfs"];
      return runPeer("podman", ...places, ...args);
    };
    await podman("pull", "-q", "--tls-verify=false", `${host}/app:edited`);
    const [image] = JSON.parse(await podman("image", "inspect", `${host}/app:edited`));
    assertEquals([image.Digest, image.Config.Labels.a], [edited.Digest, "b"]);
    await podman("rmi", "--force", "--all");
    const wrong = await runStrata(other, "edit", "--rebase", "nonsense", at("app:1"), at("app:3"));
    assertEquals([wrong.code, wrong.stderr.includes("OLD=NEW")], [2, true]);
  },
);
