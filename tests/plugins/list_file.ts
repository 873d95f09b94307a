// deno-lint-ignore-file explicit-function-return-type
/** A parse plugin: `base IMAGE` on the first line, then names of the build context, one on each line. */
import type {
  BuildGraph,
  BuildNode,
  HistoryStep,
  ParseContext,
  PluginFactory,
  PluginSamples,
  SourceFile,
} from "../../core/contract/mod.ts";

const plugin: PluginFactory = ({ kit }) => {
  const linesOf = (file: SourceFile, { signal }: ParseContext): readonly string[] => {
    if (signal.aborted) throw kit.error("CANCELED", "Canceled");
    const lines = file.text.split("\n").map((line) => line.trim());
    const wrong = lines.findIndex((line, i) => /\s/.test(line) && !(i === 0 && /^base \S+$/.test(line)));
    if (wrong >= 0) throw fault(file, wrong, `Cannot read line ${wrong + 1}: it has blanks`);
    return lines;
  };
  const fault = (
    file: SourceFile,
    index: number,
    message: string,
    code: "PARSE_FAILED" | "NOT_FOUND" = "PARSE_FAILED",
  ): Error => kit.error(code, message, { detail: { range: { file: file.path, line: index + 1, endLine: index + 1 } } });

  return {
    name: "list-file",
    api: 1,
    parse: [{
      format: "list",
      matches: (file) => file.path.endsWith(".list"),
      async parse(file, context): Promise<BuildGraph> {
        const lines = linesOf(file, context);
        const reference = /^base (\S+)$/.exec(lines[0] ?? "")?.[1];
        const names = lines.slice(reference === undefined ? 0 : 1).filter((line) => line !== "");
        const nodes: BuildNode[] = [];
        let config = {};
        let platform = context.platform;
        if (reference === undefined) nodes.push({ type: "scratch" });
        else {
          const base = await context.base(reference, context.platform).catch((error) => {
            throw error.code === "NOT_FOUND" ? fault(file, 0, error.message, "NOT_FOUND") : error;
          });
          ({ config, platform } = base);
          nodes.push({ type: "image", reference, descriptor: base.descriptor });
        }
        const history: HistoryStep[] = [];
        if (names.length > 0) nodes.push({ type: "context", name: "", exclude: [] });
        for (const path of names) {
          const args = {
            sources: [{ input: 1, path, pattern: false }],
            dest: "/",
            chown: null,
            chmod: null,
            parents: false,
            exclude: [],
            extract: "never",
            strict: false,
          };
          const below = nodes.length === 2 ? 0 : nodes.length - 1;
          nodes.push({ type: "layer", op: { kind: "copy", args }, inputs: [below, 1], name: `copy ${path}` });
          history.push({ createdBy: `copy ${path}`, emptyLayer: false });
        }
        return { nodes, result: names.length === 0 ? 0 : nodes.length - 1, platform, config, history };
      },
      outline(file, context) {
        linesOf(file, context);
        return Promise.resolve({
          target: "",
          stages: [],
          args: [],
          secrets: [],
          ssh: [],
          cacheMounts: [],
          checks: [],
        });
      },
    }],
  };
};
export default plugin;

export const samples: PluginSamples = {
  parse: {
    list: {
      good: [
        { file: { path: "a.list", text: "a\nb\n" } },
        { file: { path: "a.list", text: "base debian\na\n" }, images: ["debian"] },
      ],
      malformed: [{ file: { path: "a.list", text: "a\nb c\n" }, line: 2 }],
      foreign: [{ path: "Dockerfile", text: "FROM a" }],
      missingBase: { path: "a.list", text: "base nowhere\n" },
    },
  },
};
