import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { applyChange, checkChange, type ConfigChange } from "./edit_change.ts";
import { diffConfigs } from "./edit_diff.ts";
import { describeEdit } from "./edit_text.ts";

Deno.test("applyChange() sets and unsets what is named and leaves the rest", () => {
  const exec = {
    Env: ["PATH=/bin", "A=1", "B=2"],
    Cmd: ["run"],
    Labels: { a: "1", b: "2" },
    Volumes: { "/data": {} },
    ExposedPorts: { "80/tcp": {}, "53/udp": {} },
    User: "root",
    OnBuild: ["RUN x"],
  };
  const changed = applyChange(exec, {
    env: { A: "x=y", C: "" },
    unsetEnv: ["B", "none"],
    labels: { c: "3" },
    unsetLabels: ["a"],
    entrypoint: ["/bin/app"],
    cmd: "serve --all",
    user: "",
    workdir: "/srv",
    stopSignal: "SIGINT",
    volumes: ["/new"],
    unsetVolumes: ["/data"],
    ports: ["8080-8081", "443/tcp"],
    unsetPorts: ["53/udp"],
  });
  assertEquals(changed, {
    Env: ["PATH=/bin", "A=x=y", "C="],
    Cmd: ["/bin/sh", "-c", "serve --all"],
    Labels: { b: "2", c: "3" },
    Volumes: { "/new": {} },
    ExposedPorts: { "80/tcp": {}, "8080/tcp": {}, "8081/tcp": {}, "443/tcp": {} },
    OnBuild: ["RUN x"],
    Entrypoint: ["/bin/app"],
    WorkingDir: "/srv",
    StopSignal: "SIGINT",
  });
});

Deno.test("applyChange() leaves out what becomes empty and takes the image's own shell", () => {
  const exec = { Env: ["A=1"], Labels: { a: "1" }, Entrypoint: ["x"], Cmd: ["y"], Shell: ["/bin/bash", "-c"] };
  assertEquals(applyChange(exec, { unsetEnv: ["A"], unsetLabels: ["a"], entrypoint: [], cmd: "" }), {
    Shell: ["/bin/bash", "-c"],
  });
  assertEquals(applyChange(exec, { cmd: "ls" }).Cmd, ["/bin/bash", "-c", "ls"]);
});

const wrong: readonly ConfigChange[] = [
  { env: { "": "x" } },
  { unsetEnv: ["A=b"] },
  { labels: { "": "x" } },
  { volumes: ["data"] },
  { workdir: "srv" },
  { stopSignal: "sig term" },
  { ports: ["0"] },
  { ports: ["70000"] },
  { ports: ["9-8"] },
  { unsetPorts: ["80/icmp"] },
];
for (const change of wrong) {
  Deno.test(`checkChange() throws INVALID_ARGUMENT for ${JSON.stringify(change)}`, () => {
    assertEquals(assertThrows(() => checkChange(change), EngineError).code, "INVALID_ARGUMENT");
  });
}

Deno.test("describeEdit() writes the command line with words quoted and the new base by digest", () => {
  const text = describeEdit({
    env: { A: "it's" },
    cmd: ["a", "b"],
    user: "",
    annotations: [{ scope: "index", key: "k", value: "v" }],
    unsetAnnotations: [{ scope: "manifest", key: "x", value: "" }],
  }, { digest: "sha256:ab" });
  assertEquals(
    text,
    `strata edit --new-base sha256:ab --env 'A=it'\\''s' --cmd '["a","b"]' --user '' --unset-annotation x --annotation index:k=v`,
  );
});

Deno.test("diffConfigs() gives variables by name and new entries of lists", () => {
  const before = {
    os: "linux",
    architecture: "amd64",
    config: { Env: ["A=1", "B=2"], Cmd: ["a"] },
    rootfs: { type: "layers", diff_ids: [] },
    history: [{ created_by: "x" }],
  } as const;
  const after = {
    ...before,
    config: { Env: ["A=1", "C=3"], Cmd: ["b"] },
    history: [...before.history, { created_by: "y", empty_layer: true }],
  };
  assertEquals(diffConfigs(before, after), [
    { path: "config.Cmd", before: '["a"]', after: '["b"]' },
    { path: "config.Env.B", before: '"2"', after: undefined },
    { path: "config.Env.C", before: undefined, after: '"3"' },
    { path: "history", before: undefined, after: '{"created_by":"y","empty_layer":true}' },
  ]);
});
