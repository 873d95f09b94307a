import { assertEquals } from "@std/assert";
import { parseText } from "../../tests/helpers/graph_case.ts";

Deno.test("CMD and ENTRYPOINT use the shell of the platform when none is set", async () => {
  const images = { win: { platform: { os: "windows", architecture: "amd64" } } };
  const { graph } = await parseText("FROM win\nCMD dir\n", { images });
  assertEquals(graph.config.Cmd, ["cmd", "/S", "/C", "dir"]);
});

Deno.test("CMD is not reported as shell form when the file sets a shell", async () => {
  const { context } = await parseText('FROM scratch\nSHELL ["/bin/bash", "-c"]\nCMD a\nENTRYPOINT b\n');
  assertEquals(context.events, []);
});

Deno.test("VOLUME keeps a path as it is written, blanks and all, when it is in JSON form", async () => {
  const { graph } = await parseText('FROM scratch\nARG D=/d\nVOLUME ["/a b", "$D"]\n');
  assertEquals(graph.config.Volumes, { "/a b": {}, "/d": {} });
});

Deno.test("SHELL, CMD and ENTRYPOINT are not expanded", async () => {
  const { graph } = await parseText('FROM scratch\nARG A=1\nSHELL ["$A"]\nCMD $A\nENTRYPOINT ["$A"]\n');
  assertEquals([graph.config.Shell, graph.config.Cmd, graph.config.Entrypoint], [["$A"], ["$A", "$A"], ["$A"]]);
});

Deno.test("the config leaves out what is empty", async () => {
  const { graph } = await parseText("FROM app\nCMD []\nUSER $NONE\n", {
    images: { app: { config: { Cmd: ["a"], User: "u" } } },
  });
  assertEquals(Object.keys(graph.config), ["Env"]);
});
