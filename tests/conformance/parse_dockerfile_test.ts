import { dockerfileHook } from "../helpers/graph_case.ts";
import { parseConformance } from "./parse.ts";

const file = (text: string, path = "Dockerfile"): { readonly path: string; readonly text: string } => ({ path, text });

parseConformance("dockerfile", dockerfileHook, {
  good: [
    { file: file("FROM scratch\n") },
    { file: file("# comment\nARG A=1\nFROM app:$A AS one\nRUN a\n", "build.txt"), input: { images: { "app:1": {} } } },
    {
      file: file(
        `FROM app AS tools
ONBUILD COPY --from=other /x /y
RUN make
FROM scratch AS unused
COPY . /
FROM tools
WORKDIR /w
COPY --link a b/
COPY --link --from=tools /out /
COPY --from=extra /in /
ADD https://example.com/a.tar https://example.com/r.git /d/
COPY <<EOF /etc/motd
hello
EOF
RUN --mount=type=cache,target=/c --mount=type=bind,from=tools,target=/t build
ENV A=1
CMD ["a"]
`,
        "web.Dockerfile",
      ),
      input: { images: { app: { config: { OnBuild: ["ENV T=1", "COPY . /src"] } }, other: {} }, contexts: ["extra"] },
    },
  ],
  malformed: [
    { file: file("FROM scratch\nRUM a\n"), line: 2 },
    { file: file(""), line: 1 },
    { file: file("FROM scratch\n\nENV A=${\n", "-"), line: 3 },
    { file: file("FROM scratch AS a\nCOPY --from=b x /x\nFROM scratch AS b\nFROM a\n"), line: 2 },
    { file: file("FROM scratch\nLABEL a=1\nEXPOSE 99999\n"), line: 3 },
  ],
  foreign: [
    file('{"builds": []}', "build.json"),
    file("all:\n\tmake\n", "Makefile"),
    file("from x import y\n", "a.py"),
  ],
  missingBase: file("FROM nowhere\n"),
});
