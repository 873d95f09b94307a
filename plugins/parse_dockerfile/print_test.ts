import { assertEquals } from "@std/assert";
import { createKit } from "../../core/kit.ts";
import { printDockerfile } from "./print.ts";
import { readDockerfile } from "./read_dockerfile.ts";

function print(text: string): string {
  return printDockerfile(readDockerfile({ path: "Dockerfile", text }, createKit()), text);
}

const normal = `# syntax=docker/dockerfile:1
ARG A=1

# the base
FROM a AS b
RUN one && \\
  # why
  two
COPY <<EOF /x
  from here
run there

EOF

FROM b
CMD ["x"]
# the end
`;

Deno.test("printDockerfile() leaves alone what is in its form", () => {
  assertEquals(print(normal), normal);
});

Deno.test("printDockerfile() puts keywords, blanks, blank lines and line ends in one form", () => {
  const other = [["FROM b\n", "\n\n  from b\n"], ["RUN one", "\trun one"], ["# the end", "  # the end\n\n"]] as const;
  const text = other.reduce((changed, [from, to]) => changed.replace(from, to), normal);
  assertEquals(print(`\uFEFF${text}`), normal);
  assertEquals(print("from a\r\nrun b\r\n"), "FROM a\nRUN b\n");
  assertEquals(print("FROM a\nFROM b"), "FROM a\n\nFROM b\n");
});
