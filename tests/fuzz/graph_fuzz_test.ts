/** Damaged Dockerfiles: the parser gives a graph or an error with a place, and never fails in another way. */
import { assert } from "@std/assert";
import { isEngineError } from "../../core/errors.ts";
import { dockerfileHook } from "../helpers/graph_case.ts";
import { parseContext, type ParseInput } from "../helpers/parse_context.ts";

const cases = new URL("../golden/graph/", import.meta.url);
const damage = (
  "$|${|}|\\|\"|'|=|,|--|<<E\n|\n|:|/|..|*|[|]|\0|é|😀|__proto__|constructor|$A|${A:?}|#|99999999999|-1| |\t|from=0|FROM 0\n|%|@"
).split("|");
const input: ParseInput = {
  images: { alpine: { config: { OnBuild: ["RUN x", "COPY --from=0 a b"] } }, app: {} },
  contexts: ["extra", "__proto__"],
  args: { A: "v" },
  files: { ".dockerignore": "*.md" },
};

function randomFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

function spoil(text: string, random: (limit: number) => number): string {
  let result = text;
  for (let times = random(5); times >= 0; times--) {
    const at = random(result.length + 1);
    const inserted = random(2) === 0 ? damage[random(damage.length)] ?? "" : "";
    result = result.slice(0, at) + inserted + result.slice(inserted === "" ? at + random(6) : at);
  }
  return result;
}

Deno.test("parse() and outline() give a graph or an error with a place when a file is damaged", async () => {
  const hook = await dockerfileHook();
  const texts = [...Deno.readDirSync(cases)].map(({ name }) => name).sort().map((name) =>
    Deno.readTextFileSync(new URL(`${name}/Dockerfile`, cases))
  );
  for (let seed = 1; seed <= 4000; seed++) {
    const random = randomFrom(seed * 2654435761);
    const text = spoil(texts[random(texts.length)] ?? "", random);
    for (const call of ["parse", "outline"] as const) {
      try {
        await hook[call]({ path: "Dockerfile", text }, parseContext(input));
      } catch (error) {
        assert(isEngineError(error), `seed ${seed}: ${error}`);
        assert(error.code !== "INTERNAL" && "range" in error.detail, `seed ${seed}: ${error.message}`);
      }
    }
  }
});
