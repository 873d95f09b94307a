/**
 * The Dockerfile language: a parse hook for the format `dockerfile`.
 *
 * @module
 */
import type {
  BuildGraph,
  BuildOutline,
  ParseContext,
  Plugin,
  PluginHost,
  SourceFile,
} from "../../core/contract/mod.ts";
import { isOwnSyntax, syntaxOf } from "./syntax.ts";

/** FROM or ARG in any case, but for Python's `from x import y`. */
const firstLine = /^\s*(?:from(?!\s+\S+\s+import\b)|arg)\s/i;
/** Another instruction, which is out of place there: the file is claimed so that the error says so. */
const keyword =
  /^\s*(?:RUN|CMD|LABEL|MAINTAINER|EXPOSE|ENV|ADD|COPY|ENTRYPOINT|VOLUME|USER|WORKDIR|ONBUILD|STOPSIGNAL|HEALTHCHECK|SHELL)\s/;
const fileName = /^(?:.*[._-])?(?:dockerfile|containerfile)(?:[._-].*)?$/i;

/** Makes the plugin; takes no options. Throws `INVALID_ARGUMENT` when it is given some. */
export default function parseDockerfilePlugin(host: PluginHost): Plugin {
  const { kit } = host;
  return {
    name: "parse-dockerfile",
    api: 1,
    parse: [{
      format: "dockerfile",
      matches: isDockerfile,
      async parse(file: SourceFile, context: ParseContext): Promise<BuildGraph> {
        const { parseDockerfile } = await import("./parse.ts");
        return await parseDockerfile(file, context, kit);
      },
      async outline(file: SourceFile, context: ParseContext): Promise<BuildOutline> {
        const { outlineDockerfile } = await import("./outline.ts");
        return await outlineDockerfile(file, context, kit);
      },
    }],
  };
}

/**
 * By name, as `Dockerfile`, `web.Dockerfile`, `Dockerfile.dev` and `Containerfile`; else by what its first instruction looks like. A file
 * that names another syntax is left to who reads that.
 */
function isDockerfile(file: SourceFile): boolean {
  const syntax = syntaxOf(file.text);
  if (syntax !== undefined && !isOwnSyntax(syntax)) return false;
  const name = file.path.slice(file.path.lastIndexOf("/") + 1);
  if (fileName.test(name)) return true;
  const lines = file.text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const first = lines.find((line) => line.trim() !== "" && !/^\s*#/.test(line)) ?? "";
  return firstLine.test(first) || keyword.test(first);
}
