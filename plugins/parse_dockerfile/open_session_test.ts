import { assertEquals } from "@std/assert";
import { dockerfileHook, parseText, refusal } from "../../tests/helpers/graph_case.ts";
import { parseContext } from "../../tests/helpers/parse_context.ts";

Deno.test("parse() reads a file of Docker's own syntax whatever its version", async () => {
  for (const syntax of ["docker/dockerfile", "docker/dockerfile:1.7-labs", "docker.io/docker/dockerfile@sha256:aa"]) {
    assertEquals(await refusal(`# syntax=${syntax}\nFROM scratch\n`), "not refused", syntax);
  }
  for (const syntax of ["docker/dockerfile2", "evil.example/docker/dockerfile:1"]) {
    assertEquals((await refusal(`#escape=\\\n# syntax=${syntax}\nFROM scratch\n`)).slice(0, 13), "UNSUPPORTED 2");
  }
});

Deno.test("parse() takes the check argument in place of the file's own line when both are there", async () => {
  const text = "# check=error=true\nFROM scratch\nMAINTAINER x\n";
  const withArgument = async (value: string): Promise<readonly string[]> => {
    const { context } = await parseText(text, { args: { BUILDKIT_DOCKERFILE_CHECK: value } });
    return context.events.flatMap((event) => event.type === "warning" ? [event.code] : []);
  };
  assertEquals(await withArgument("skip=all"), []);
  assertEquals(await withArgument(""), ["MaintainerDeprecated"]);
});

Deno.test("parse() fails when the file asks that and something doubtful is not skipped", async () => {
  const text = (skip: string): string => `# check=skip=${skip};error=true\nFROM scratch\nMAINTAINER x\n`;
  assertEquals((await refusal(text("StageNameCasing"))).slice(0, 15), "PARSE_FAILED 3:");
  assertEquals(await refusal(text("MaintainerDeprecated")), "not refused");
});

Deno.test("parse() takes a stage's name for the target before its number", async () => {
  const text = "FROM scratch\nLABEL n=0\nFROM scratch AS last\nLABEL n=1\n";
  const { graph } = await parseText(text, { target: "0" });
  assertEquals(graph.config.Labels, { n: "0" });
  assertEquals(
    await refusal(text, { target: "7" }),
    'NOT_FOUND 0: Cannot find stage "7": the build file has none of that name or number',
  );
});

Deno.test("parse() asks for each base image once", async () => {
  const text = "FROM a AS x\nFROM a AS y\nCOPY --from=x / /\nFROM a\nCOPY --from=y / /\nCOPY --from=a / /\n";
  const { context } = await parseText(text, { images: { a: {} } });
  assertEquals(context.asked, ["a"]);
});

Deno.test("parse() reports warnings also when it fails", async () => {
  const context = parseContext();
  const hook = await dockerfileHook();
  await hook.parse({ path: "Dockerfile", text: "FROM scratch AS A\nEXPOSE x\n" }, context).catch(() => undefined);
  assertEquals(context.events.map((event) => event.type === "warning" ? event.code : ""), ["StageNameCasing"]);
});
