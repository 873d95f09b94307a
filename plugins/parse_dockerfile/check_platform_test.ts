import { assertEquals } from "@std/assert";
import { parseText } from "../../tests/helpers/graph_case.ts";

Deno.test("an image of another variant is not reported, one of another architecture is, also for COPY --from", async () => {
  const arm = { platform: { os: "linux", architecture: "arm", variant: "v6" } };
  const text = "FROM app\nCOPY --from=other x /x\n";
  const lines = async (images: Record<string, typeof arm | Record<never, never>>): Promise<readonly unknown[]> => {
    const platform = { os: "linux", architecture: "arm", variant: "v7" };
    const { context } = await parseText(text, { images, platform });
    return context.events.map((event) => event.type === "warning" ? [event.code, event.at?.line] : event.type);
  };
  assertEquals(await lines({ app: arm, other: arm }), []);
  const amd64 = { platform: { os: "linux", architecture: "amd64" } };
  assertEquals(await lines({ app: arm, other: { ...amd64 } }), [["InvalidBaseImagePlatform", 2]]);
});
