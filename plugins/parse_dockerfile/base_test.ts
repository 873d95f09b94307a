import { assertEquals } from "@std/assert";
import { parseText, refusal } from "../../tests/helpers/graph_case.ts";

Deno.test("FROM takes a build context as files when it is no image", async () => {
  const { graph } = await parseText("FROM files\n", { contexts: ["files"] });
  assertEquals(graph.nodes, [{ type: "context", name: "files", exclude: [] }]);
  assertEquals(graph.config.WorkingDir, "/");
});

Deno.test("FROM asks for the platform of its flag, else for the one that is built", async () => {
  const image = { config: {} };
  const { graph } = await parseText("FROM --platform=linux/s390x app\n", { images: { app: image } });
  assertEquals(graph.platform, { os: "linux", architecture: "s390x" });
  const platform = { os: "linux", architecture: "riscv64" };
  assertEquals((await parseText("FROM app\n", { images: { app: image }, platform })).graph.platform, platform);
});

Deno.test("FROM keeps an environment entry without a value and takes the last of two", async () => {
  const images = { app: { config: { Env: ["PATH=/a", "EMPTY", "PATH=/b", "X=a=b"] } } };
  assertEquals((await parseText("FROM app\n", { images })).graph.config.Env, ["PATH=/b", "EMPTY=", "X=a=b"]);
});

Deno.test("FROM keeps the code and the hint of a base image that cannot be had", async () => {
  assertEquals(await refusal("\nFROM nowhere\n"), 'NOT_FOUND 2: Cannot find image "nowhere": no such image');
});

Deno.test("FROM an earlier stage runs the triggers of that stage and passes none on", async () => {
  const text = "FROM scratch AS a\nONBUILD LABEL t=1\nLABEL own=a\nFROM a AS b\nLABEL own=b\nFROM b\n";
  const { graph } = await parseText(text);
  assertEquals([graph.config.Labels, graph.config.OnBuild], [{ own: "b", t: "1" }, undefined]);
});
