/**
 * A parse and layer plugin: Dockerfiles with two more instructions. It takes files whose first lines say so:
 *
 * ```dockerfile
 * # syntax=strata/instructions
 * FROM debian:trixie
 * INCLUDE --checksum=sha256:<64 hex digits> docker/common.dockerfile
 * APT curl git
 * ```
 *
 * - `INCLUDE [--checksum=sha256:…] PATH` puts the lines of a file of the build context in its place. What an included file includes is
 *   put in too; an error in it is told with its own name and line.
 * - `APT [--recommends] NAME[=VERSION] …` installs packages of Debian. It is an operation of its own, `apt.install`: the order of the names
 *   does not matter, and lists, downloads and logs are no part of the layer.
 *
 * Everything else is read by the parser of Dockerfiles; `strata build --print=dockerfile` writes the file without the two instructions.
 */
import type {
  BuildGraph,
  BuildNode,
  BuildOp,
  BuildOutline,
  DerivedFile,
  Digest,
  Json,
  Kit,
  LayerContext,
  LayerEntry,
  LayerHook,
  ParseContext,
  ParseHook,
  PluginFactory,
  PluginSamples,
  RunSpec,
  SourceFile,
  SourceRange,
} from "../../core/contract/mod.ts";

const syntaxLine = /^[\t ]*#[\t ]*syntax[\t ]*=[\t ]*strata\/instructions(?::\S*)?[\t ]*\r?$/i;
const first = "# syntax=strata/instructions\n";

const common = "RUN echo common\nINCLUDE nested.dockerfile\n";

/** What `strata plugins check` tests it with. */
export const samples: PluginSamples = {
  parse: {
    instructions: {
      good: [
        {
          file: {
            path: "Dockerfile",
            text: `${first}FROM debian\nINCLUDE common.dockerfile\nAPT git curl=8.14 \\\n  # why\n  ca-certificates\n`,
          },
          images: ["debian"],
          files: { "common.dockerfile": common, "nested.dockerfile": "ENV A=1\n" },
        },
        {
          file: {
            path: "x",
            text:
              `# escape=\`\n${first}FROM scratch\nCOPY <<EOF /a\nINCLUDE no.dockerfile\nAPT no\nEOF\nRUN a \`\n  APT no\n`,
          },
        },
      ],
      malformed: [
        { file: { path: "Dockerfile", text: `${first}FROM scratch\nINCLUDE\n` }, line: 3 },
        { file: { path: "Dockerfile", text: `${first}FROM scratch\nINCLUDE --nope a\n` }, line: 3 },
        { file: { path: "Dockerfile", text: `${first}FROM scratch\nRUN a\n\nAPT 'a; rm -rf /'\n` }, line: 5 },
        { file: { path: "Dockerfile", text: `${first}FROM scratch\nAPT a\nRUN --nope b\n` }, line: 4 },
      ],
      foreign: [{ path: "Dockerfile", text: "FROM debian\n" }, {
        path: "Dockerfile",
        text: "# syntax=docker/dockerfile:1\nFROM a\n",
      }],
      missingBase: { path: "Dockerfile", text: `${first}FROM nowhere\n` },
    },
  },
  layer: {
    "apt.install": [{
      args: { packages: ["curl"], recommends: false, env: ["PATH=/bin"], cwd: "/", user: "" },
      inputs: [{ "etc/os-release": "ID=debian\n" }],
      leaves: { "usr/bin/curl": "curl\n", "var/log/apt/term.log": "today\n", "var/cache/ldconfig/aux-cache": "x" },
    }],
  },
};

/** Most files that may be inside each other, and most lines that may come together. */
const limits = { depth: 16, lines: 100_000 };

/** A line of what is handed on, and where it comes from. */
interface Line {
  readonly text: string;
  readonly at: SourceRange;
}

/** A file with its instructions put in. */
interface Expanded {
  readonly file: DerivedFile;
  /** Packages by the place of their APT. */
  readonly installs: ReadonlyMap<string, Install>;
}

interface Install {
  readonly packages: readonly string[];
  readonly recommends: boolean;
  /** The instruction as it is shown. */
  readonly text: string;
}

/** Lines that make one instruction. */
interface Instruction {
  /** Index of the first line and of the one behind the last. */
  readonly start: number;
  readonly end: number;
  readonly keyword: string;
  /** What comes behind the keyword, continued lines joined. */
  readonly rest: string;
}

class Expander {
  readonly #kit: Kit;
  readonly #context: ParseContext;
  readonly #lines: Line[] = [];
  readonly #installs = new Map<string, Install>();
  #escape = "\\";

  constructor(kit: Kit, context: ParseContext) {
    this.#kit = kit;
    this.#context = context;
  }

  async expand(file: SourceFile): Promise<Expanded> {
    const lines = cutLines(file.text);
    this.#escape = escapeOf(lines) ?? "\\";
    await this.#take(file.path, lines, []);
    const text = this.#lines.map((line) => `${line.text}\n`).join("");
    return { file: { path: file.path, text, origins: this.#lines.map(({ at }) => at) }, installs: this.#installs };
  }

  async #take(path: string, lines: readonly string[], above: readonly string[]): Promise<void> {
    const head = countDirectives(lines);
    for (let at = 0; at < lines.length;) {
      const text = lines[at] ?? "";
      if (/^[\t ]*(?:#.*)?\r?$/.test(text)) {
        // The syntax is this one's own; directives of a file that is put in would be in the wrong place.
        if (!syntaxLine.test(text) && !(above.length > 0 && at < head)) {
          this.#push(text, this.#range(path, lines, at, at + 1));
        }
        at++;
        continue;
      }
      const instruction = readInstruction(lines, at, this.#escape);
      const range = this.#range(path, lines, instruction.start, instruction.end);
      if (instruction.keyword === "INCLUDE") await this.#include(instruction, range, [...above, path]);
      else if (instruction.keyword === "APT") this.#install(instruction, range);
      else {
        for (let i = instruction.start; i < instruction.end; i++) {
          this.#push(lines[i] ?? "", this.#range(path, lines, i, i + 1));
        }
      }
      at = instruction.end;
    }
  }

  async #include({ rest }: Instruction, at: SourceRange, above: readonly string[]): Promise<void> {
    const [, checksum, written] = /^(?:--checksum=(\S+)[\t ]+)?([^\s"'$-][^\s"'$]*)$/.exec(rest) ?? [];
    if (written === undefined) {
      throw this.#fault(
        "Cannot read INCLUDE: expected one path, without variables and quotes",
        at,
        "Write INCLUDE [--checksum=sha256:…] PATH",
      );
    }
    if (checksum !== undefined && !/^sha256:[0-9a-f]{64}$/.test(checksum)) {
      throw this.#fault(`Cannot read INCLUDE: checksum "${checksum}", expected sha256: and 64 hex digits`, at);
    }
    const path = written.replace(/^(?:\.?\/)+/, "");
    if (above.includes(path)) {
      throw this.#fault(`Cannot include "${path}": it includes itself, by ${[...above, path].join(", ")}`, at);
    }
    if (above.length > limits.depth) {
      throw this.#fault(`Cannot include "${path}": more than ${limits.depth} files inside each other`, at);
    }
    const text = await this.#context.contextFile(path);
    if (text === undefined) throw this.#absent(path, at);
    await this.#verify(text, { path, checksum, at });
    const lines = cutLines(text);
    this.#check(path, lines, at);
    await this.#take(path, lines, above);
  }

  async #verify(
    text: string,
    { path, checksum, at }: { readonly path: string; readonly checksum: string | undefined; readonly at: SourceRange },
  ): Promise<void> {
    if (checksum === undefined) return;
    const actual = await this.#kit.sha256(text);
    if (actual === checksum) return;
    throw this.#kit.error(
      "CONTENT_MISMATCH",
      `Cannot include "${path}": its checksum is ${actual}, expected ${checksum}`,
      {
        detail: { expected: checksum, actual, range: at, instruction: "INCLUDE" },
        hint: "Look at what changed in the file, and write its new checksum",
      },
    );
  }

  /** A file that is put in must read alone as it reads in its place. */
  #check(path: string, lines: readonly string[], at: SourceRange): void {
    const escape = escapeOf(lines);
    if (escape !== undefined && escape !== this.#escape) {
      throw this.#fault(`Cannot include "${path}": its escape character is ${escape}, expected ${this.#escape}`, at);
    }
    const last = lines.findLastIndex((line) => !/^[\t ]*(?:#.*)?\r?$/.test(line));
    if (last >= 0 && isContinued(lines[last] ?? "", this.#escape)) {
      const range = this.#range(path, lines, last, last + 1);
      throw this.#fault(`Cannot include "${path}": its last instruction is not finished`, range);
    }
  }

  #install({ rest }: Instruction, at: SourceRange): void {
    const words = rest.split(/[\t ]+/).filter((word) => word !== "");
    const recommends = words[0] === "--recommends";
    const packages = words.slice(recommends ? 1 : 0);
    const wrong = packages.find((name) => !isPackage(name));
    if (wrong !== undefined || packages.length === 0) {
      const state = wrong === undefined ? "it names no package" : `"${wrong}" names no package`;
      throw this.#fault(`Cannot read APT: ${state}`, at, "Write APT [--recommends] NAME[=VERSION] …");
    }
    const install = { packages: [...new Set(packages)].sort(), recommends, text: `APT ${words.join(" ")}` };
    this.#installs.set(placeOf(at), install);
    this.#push(`RUN ${caches} ${commandFor(install)}`, { ...at, column: 1, endColumn: 4 });
  }

  #push(text: string, at: SourceRange): void {
    if (this.#lines.length >= limits.lines) {
      throw this.#fault(`Cannot read the file: more than ${limits.lines} lines`, at);
    }
    this.#lines.push({ text, at });
  }

  #range(path: string, lines: readonly string[], start: number, end: number): SourceRange {
    return { file: path, line: start + 1, endLine: end, source: (lines[start] ?? "").replace(/\r+$/, "") };
  }

  #fault(message: string, at: SourceRange, hint?: string): Error {
    const detail = { range: at, instruction: "" };
    return this.#kit.error("PARSE_FAILED", message, hint === undefined ? { detail } : { detail, hint });
  }

  #absent(path: string, at: SourceRange): Error {
    return this.#kit.error("NOT_FOUND", `Cannot include "${path}": the build context has no such file`, {
      detail: { kind: "file", name: path, range: at, instruction: "INCLUDE" },
      hint: "Paths count from the root of the build context",
    });
  }
}

/** Tells the instruction of a step from others. */
function placeOf({ file, line }: SourceRange): string {
  return `${line} ${file}`;
}

// Lines.

function cutLines(text: string): readonly string[] {
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

const directive = /^[\t ]*#[\t ]*(syntax|escape|check)[\t ]*=[\t ]*(\S+)/i;

function countDirectives(lines: readonly string[]): number {
  const end = lines.findIndex((line) => !directive.test(line));
  return end < 0 ? lines.length : end;
}

function escapeOf(lines: readonly string[]): string | undefined {
  const head = lines.slice(0, countDirectives(lines)).map((line) => directive.exec(line) ?? []);
  return head.find(([, key = ""]) => key.toLowerCase() === "escape")?.[2];
}

function isContinued(line: string, escape: string): boolean {
  const text = line.replace(/[\t ]*\r*$/, "");
  return text.endsWith(escape) && text.at(-2) !== escape;
}

/** The instruction that starts at a line: with the lines that continue it, and its here-documents. */
function readInstruction(lines: readonly string[], start: number, escape: string): Instruction {
  let text = "";
  let end = start;
  for (let isOpen = true; isOpen && end < lines.length; end++) {
    const line = lines[end] ?? "";
    if (end > start && /^[\t ]*(?:#.*)?\r?$/.test(line)) continue;
    isOpen = isContinued(line, escape);
    const kept = line.replace(/[\t ]*\r*$/, "");
    text += isOpen ? kept.slice(0, -1) : line.replace(/\r+$/, "");
  }
  const [, word = "", rest = ""] = /^[\t ]*(\S+)[\t ]*(.*)$/s.exec(text) ?? [];
  const keyword = word.toUpperCase();
  const command = keyword === "ONBUILD" ? /^(\S+)/.exec(rest)?.[1]?.toUpperCase() : keyword;
  const marks = ["RUN", "COPY", "ADD"].includes(command ?? "") ? heredocsOf(rest) : [];
  for (const { name, isIndented } of marks) {
    while (end < lines.length) {
      const line = (lines[end++] ?? "").replace(/\r+$/, "");
      if ((isIndented ? line.replace(/^\t+/, "") : line) === name) break;
    }
  }
  return { start, end, keyword, rest: rest.trim() };
}

const shellWord = /[\t ]*((?:\d*<<-?[\t ]*)?(?:[^\s"'\\]|\\[^]|"(?:[^"\\]|\\[^])*"|'[^']*')+)/y;

/** Marks of here-documents such as `<<-"EOF"`; none in a list and in what cannot be read as words. */
function heredocsOf(text: string): readonly { readonly name: string; readonly isIndented: boolean }[] {
  if (!text.includes("<<") || /^\[.*\]$/s.test(text.trim())) return [];
  const marks: { name: string; isIndented: boolean }[] = [];
  shellWord.lastIndex = 0;
  for (let at = 0; text.slice(at).trim() !== ""; at = shellWord.lastIndex) {
    const word = shellWord.exec(text)?.[1];
    if (word === undefined) return [];
    const [, dash = "", quoted = ""] = /^\d*<<(-?)[\t ]*(.*)$/s.exec(word) ?? [];
    const name = quoted.replace(
      /"((?:[^"\\]|\\[^])*)"|'([^']*)'|\\([^])/g,
      (_all, double, single, escaped) => double ?? single ?? escaped,
    );
    if (name !== "" && !quoted.includes("<")) marks.push({ name, isIndented: dash === "-" });
  }
  return marks;
}

// APT.

const caches =
  "--mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked";

/** A package of Debian, with an architecture and a version or a release; a version may be a variable. */
function isPackage(text: string): boolean {
  return /^[a-z0-9][a-z0-9+.-]*(?::[a-z0-9]+)?(?:=(?:[A-Za-z0-9.+:~_-]|\$\w+|\$\{\w+\})+|\/[a-z0-9-]+)?$/.test(text);
}

/** What is run: the same for the operation and for a Dockerfile without it. */
function commandFor({ packages, recommends }: Pick<Install, "packages" | "recommends">): string {
  const names = packages.map((name) => name.includes("$") ? `"${name}"` : name).join(" ");
  const flags = recommends ? "-y" : "-y --no-install-recommends";
  return `apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install ${flags} ${names}`;
}

/** The operation in place of the command that stands for it. */
function installNode(node: BuildNode, installs: ReadonlyMap<string, Install>): BuildNode {
  const install = node.type === "layer" && node.at !== undefined ? installs.get(placeOf(node.at)) : undefined;
  if (install === undefined || node.type !== "layer" || node.op.kind !== "run") return node;
  const { env = [], cwd = "/", user = "" } = node.op.args;
  const args = { packages: install.packages, recommends: install.recommends, env, cwd, user };
  const op: BuildOp = {
    kind: "apt.install",
    args,
    ...(node.op.unkeyed === undefined ? {} : { unkeyed: node.op.unkeyed }),
    runsCommands: true,
  };
  return { ...node, op, name: node.name.replace(/RUN .*$/s, install.text) };
}

/** What apt leaves that differs from time to time and nobody needs. */
const leftOut = [
  "var/cache/apt/",
  "var/lib/apt/lists/",
  "var/log/apt/",
  "var/cache/ldconfig/aux-cache",
  "var/log/alternatives.log",
  "var/log/dpkg.log",
];

function aptHook(kit: Kit): LayerHook {
  const read = (op: BuildOp, context: LayerContext): RunSpec => {
    if (context.signal.aborted) throw kit.error("CANCELED", "Cannot install packages: the build was canceled");
    const { packages, recommends, env, cwd, user } = op.args;
    const isWhole = isTexts(packages) && packages.length > 0 && packages.every(isPackage) &&
      typeof recommends === "boolean" &&
      isTexts(env) && typeof cwd === "string" && typeof user === "string";
    if (!isWhole) {
      throw kit.error("INVALID_ARGUMENT", 'Cannot read operation "apt.install": its arguments are malformed', {
        detail: { field: "args", value: "apt.install" },
      });
    }
    const cache = (target: string): RunSpec["mounts"][number] => ({
      type: "cache",
      target,
      id: target,
      sharing: "locked",
      readonly: false,
      input: null,
      source: ".",
      uid: 0,
      gid: 0,
      mode: 0o755,
    });
    return {
      args: ["/bin/sh", "-c", commandFor({ packages, recommends })],
      env: [...env, ...proxiesOf(op.unkeyed)],
      cwd,
      user,
      network: "default",
      security: "sandbox",
      hostname: null,
      mounts: [cache("/var/cache/apt"), cache("/var/lib/apt/lists")],
      files: [],
    };
  };
  return {
    kinds: ["apt.install"],
    async contentKey(op, context): Promise<Digest> {
      read(op, context);
      // It reads nothing but the filesystem below it.
      return await kit.sha256("");
    },
    async *build(op, context): AsyncGenerator<LayerEntry> {
      for await (const entry of context.run(read(op, context))) {
        if (!leftOut.some((path) => entry.path.startsWith(path) || entry.path === path.replace(/\/$/, ""))) yield entry;
      }
    },
  };
}

function isTexts(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

/** Proxies of the build, which are no part of its key. */
function proxiesOf(unkeyed: BuildOp["unkeyed"]): readonly string[] {
  const env = unkeyed?.["env"];
  return isTexts(env) ? env : [];
}

// The plugin.

const plugin: PluginFactory = ({ kit }) => {
  const expand = async (file: SourceFile, context: ParseContext): Promise<Expanded> => {
    if (context.signal.aborted) throw kit.error("CANCELED", "Cannot read the build file: the build was canceled");
    return await new Expander(kit, context).expand(file);
  };
  const parse: ParseHook = {
    format: "instructions",
    matches: ({ text }) => {
      const lines = cutLines(text);
      return lines.slice(0, countDirectives(lines)).some((line) => syntaxLine.test(line));
    },
    async parse(file, context): Promise<BuildGraph> {
      const { file: derived, installs } = await expand(file, context);
      const graph = await context.parseAs("dockerfile", derived);
      return { ...graph, nodes: graph.nodes.map((node) => installNode(node, installs)) };
    },
    async outline(file, context): Promise<BuildOutline> {
      return await context.outlineAs("dockerfile", (await expand(file, context)).file);
    },
  };
  return { name: "instructions", api: 1, parse: [parse], layer: [aptHook(kit)] };
};
export default plugin;
