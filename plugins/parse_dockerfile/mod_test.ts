import { assert, assertEquals } from "@std/assert";
import { dockerfileHook, parseText } from "../../tests/helpers/graph_case.ts";

Deno.test("matches() claims a file by its name when it has the name of a Dockerfile", async () => {
  const hook = await dockerfileHook();
  const names = [
    "Dockerfile",
    "dockerfile",
    "a/b/Dockerfile",
    "Dockerfile.dev",
    "web.Dockerfile",
    "Containerfile",
    "my-dockerfile",
  ];
  for (const path of names) assert(await hook.matches({ path, text: "" }), path);
});

Deno.test("matches() claims a file of any name when its first instruction is one", async () => {
  const hook = await dockerfileHook();
  for (const text of ["FROM a\n", "\uFEFF# c\n\n  arg A\nFROM a", "from a as b\n", "LABEL a=1\n"]) {
    assert(await hook.matches({ path: "-", text }), text);
  }
  for (const text of ["", "# only a comment\n", "{}", "from a import b", "run:\n", "FROMAGE\n"]) {
    assert(!await hook.matches({ path: "-", text }), text);
  }
});

Deno.test("matches() leaves a file to others that names a syntax which is not Docker's", async () => {
  const hook = await dockerfileHook();
  assert(!await hook.matches({ path: "Dockerfile", text: "# syntax=acme/x:1\nFROM a\n" }));
  assert(await hook.matches({ path: "Dockerfile", text: "# syntax=docker/dockerfile:1\nFROM a\n" }));
  assert(await hook.matches({ path: "Dockerfile", text: "FROM a\n# syntax=acme/x:1\n" }));
});

Deno.test("parse() reads the ignore file beside the build file and not the context's when both are there", async () => {
  const { context } = await parseText("FROM scratch\nCOPY . /\n", {
    files: { ".dockerignore": "a" },
    siblings: { "Dockerfile.dockerignore": "b" },
  });
  assertEquals(context.read, ["Dockerfile.dockerignore"]);
});

Deno.test("parse() reads no ignore file when nothing is taken from the build context", async () => {
  const { context } = await parseText("FROM scratch\nCOPY --from=a x /x\n", { images: { a: {} } });
  assertEquals(context.read, []);
});

Deno.test("parse() tells the instructions that the target needs, in file order, each with its nodes", async () => {
  const text = [
    "# a comment",
    "ARG BASE=scratch",
    "FROM ${BASE} AS files",
    "COPY a \\",
    "  /a",
    "FROM scratch AS unused",
    "COPY x /x",
    "FROM scratch",
    "ENV A=b",
    "COPY --from=files /a /b",
  ].join("\n");
  const { graph } = await parseText(text, {});
  const told = graph.instructions?.map(({ text, nodes }) => [
    text,
    nodes.map((id) => {
      const node = graph.nodes[id];
      return node?.type === "layer" ? node.name : node?.type;
    }),
  ]);
  assertEquals(told, [
    ["ARG BASE=scratch", []],
    ["FROM ${BASE} AS files", []],
    ["COPY a   /a", ["[files 1/1] COPY a   /a"]],
    ["FROM scratch", []],
    ["ENV A=b", []],
    ["COPY --from=files /a /b", ["[stage-2 1/1] COPY --from=files /a /b"]],
  ]);
});
