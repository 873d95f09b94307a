import { assertEquals } from "@std/assert";
import type { BuildOutline } from "../../core/contract/mod.ts";
import { dockerfileHook } from "../../tests/helpers/graph_case.ts";
import { parseContext, type ParseInput } from "../../tests/helpers/parse_context.ts";

async function outlineOf(text: string, input: ParseInput = {}): Promise<BuildOutline> {
  return await (await dockerfileHook()).outline({ path: "Dockerfile", text }, parseContext(input));
}

const text = `# VERSION of the base
ARG VERSION=1
ARG IMAGE=base:$VERSION
ARG UNUSED=1
# tools has the compilers
FROM $IMAGE AS tools
# JOBS to run at once
ARG JOBS=$CORES
ARG EXTRA
RUN --mount=type=cache,target=/c --mount=type=secret,id=key,required make
FROM scratch AS other
ARG OTHER=1
FROM --platform=$BUILDPLATFORM $IMAGE AS app
ARG VERSION
ARG EXTRA=2
COPY --from=tools /x /x
RUN --mount=type=secret,id=key --mount=type=ssh --mount=type=cache,id=m,target=/c run
`;

Deno.test("outline() gives the arguments that the target takes, with what they are worth", async () => {
  const { target, args } = await outlineOf(text, { args: { EXTRA: "3" } });
  assertEquals(target, "app");
  assertEquals(args.map(({ name, value, description, at }) => [name, value, description, at.line]), [
    ["VERSION", "1", "of the base", 2],
    ["IMAGE", "base:1", undefined, 3],
    ["JOBS", "", "to run at once", 8],
    ["EXTRA", "3", undefined, 9],
  ]);
});

Deno.test("outline() gives only what another target takes when there is one", async () => {
  const { target, args, cacheMounts } = await outlineOf(text, { target: "other" });
  assertEquals([target, args.map(({ name }) => name), cacheMounts], ["other", ["OTHER"], []]);
});

Deno.test("outline() gives the stages in order with what they start from", async () => {
  const { stages } = await outlineOf(text);
  assertEquals(stages.map(({ name, base, platform, description }) => [name, base, platform, description]), [
    ["tools", "base:1", undefined, "has the compilers"],
    ["other", "scratch", undefined, undefined],
    ["app", "base:1", "linux/amd64", undefined],
  ]);
});

Deno.test("outline() gives secrets, agents and caches of all steps that are needed", async () => {
  const { secrets, ssh, cacheMounts } = await outlineOf(text);
  assertEquals(secrets.map(({ name, required, at }) => [name, required, at.line]), [["key", true, 10]]);
  assertEquals(ssh.map(({ name, required }) => [name, required]), [["default", false]]);
  assertEquals(cacheMounts, ["/c", "m"]);
});

Deno.test("outline() says that a finding is an error when the file asks that", async () => {
  const { checks } = await outlineOf("# check=error=true\nFROM scratch AS A\n");
  assertEquals(checks.map(({ rule, severity }) => [rule, severity]), [["StageNameCasing", "error"]]);
});

Deno.test("outline() takes a variable in capitals for one of the base image when nothing is known of that", async () => {
  const rulesOf = async (text: string): Promise<readonly string[]> =>
    (await outlineOf(text)).checks.map(({ message }) => message);
  assertEquals(await rulesOf("FROM golang\nWORKDIR /src/$GOPATH\nENV V=$PYTHON_VERSION\n"), []);
  assertEquals(await rulesOf("FROM scratch\nENV V=$PYTHON_VERSION\n"), [
    'Variable "$PYTHON_VERSION" is not defined here',
  ]);
  assertEquals(await rulesOf("FROM golang\nENV A=$PAHT\n"), [
    'Variable "$PAHT" is not defined here (did you mean $PATH?)',
  ]);
});

Deno.test("outline() checks the stages that the target does not need when no target is given", async () => {
  const doubtful = "FROM scratch AS a\nCMD run\nFROM scratch AS b\n";
  assertEquals((await outlineOf(doubtful)).checks.length, 1);
  assertEquals((await outlineOf(doubtful, { target: "b" })).checks.length, 0);
});
