/**
 * A parse plugin: build scripts. A `strata.ts`, or `*.strata.ts`, is a TypeScript program whose default export says what an image is made of:
 *
 * ```ts ignore
 * import type {} from "./build_script.ts"; // the types of `build`, for the editor
 *
 * export default build(({ from, arg }) =>
 *   from(`debian:${arg("RELEASE", "trixie")}`)
 *     .run`apt-get update`
 *     .copy("src/", "/srv/")
 *     .cmd(["/srv/start"])
 * );
 * ```
 *
 * An image is a value that never changes: each method gives another one. What a script gives is written down as a Dockerfile and read by the
 * parser of those, so it gives the steps, and gets the layers from the cache, that the same Dockerfile would.
 */
import type {
  BuildGraph,
  BuildOutline,
  EngineError,
  Kit,
  ParseContext,
  PermissionRequest,
  PluginFactory,
  PluginSamples,
  Script,
  SourceFile,
  SourceRange,
} from "../../core/contract/mod.ts";

/** It runs build files, which get nothing but what is in {@linkcode Tools}. */
export const permissions: PermissionRequest = { scripts: true };

const start = 'export default build(({ from }) => from("debian")';

/** What `strata plugins check` tests it with. */
export const samples: PluginSamples = {
  parse: {
    script: {
      good: [
        { file: { path: "strata.ts", text: `${start}.run\`make\`.env({ A: "$1" }));\n` }, images: ["debian"] },
        {
          file: {
            path: "web/app.strata.ts",
            text: `export default build(({ from, arg }) => {
              const tools = from("debian").run\`apt-get update\`;
              const built = tools.copy(".", "/src").workdir("/src").run(["make", arg("TARGET", "all")]);
              return tools.copy("/src/out", "/app", { from: built }).cmd(["/app"]);
            });`,
          },
          images: ["debian"],
        },
      ],
      malformed: [
        { file: { path: "strata.ts", text: `\n${start}\n  .workdir("a\\nb"));\n` }, line: 3 },
        {
          file: { path: "strata.ts", text: `export default build(() => {\n  throw new Error("oops");\n});\n` },
          line: 2,
        },
        { file: { path: "strata.ts", text: `\nimport fs from "node:fs";\n` }, line: 2 },
        { file: { path: "strata.ts", text: `const a = ;\n` }, line: 1 },
        { file: { path: "strata.ts", text: `export default 1;\n` }, line: 1 },
      ],
      foreign: [{ path: "Dockerfile", text: "FROM debian\n" }, { path: "other.ts", text: start }],
      missingBase: { path: "strata.ts", text: 'export default build(({ from }) => from("nowhere").run`x`);\n' },
    },
  },
};

// What scripts see.

/** Text that stands in a command as it is. */
export interface Raw {
  /** The text. */
  readonly raw: string;
}

/** A part of a command: quoted for the shell, a list as several words. */
export type Word = string | number | Raw | readonly (string | number)[];

/** Something that a command sees while it runs and that is not part of the image. */
export type Mount =
  | {
    readonly type: "cache";
    readonly target: string;
    readonly id?: string;
    readonly sharing?: "shared" | "private" | "locked";
  }
  | {
    readonly type: "bind";
    readonly target: string;
    /** Image, name of a build context, or reference; the build context when left out. */
    readonly from?: Image | string;
    readonly source?: string;
    /** Whether it can be written to; what is written is lost. */
    readonly writable?: boolean;
  }
  | {
    readonly type: "secret";
    readonly id: string;
    readonly target?: string;
    /** Variable that holds it. */
    readonly env?: string;
    readonly required?: boolean;
  }
  | { readonly type: "ssh"; readonly id?: string; readonly required?: boolean }
  | { readonly type: "tmpfs"; readonly target: string };

/** How a command runs. */
export interface RunOptions {
  readonly mounts?: readonly Mount[];
  readonly network?: "default" | "none" | "host";
  readonly security?: "sandbox" | "insecure";
}

/** How files are copied. */
export interface CopyOptions {
  /** Image, name of a build context, or reference to copy from; the build context when left out. */
  readonly from?: Image | string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly link?: boolean;
  readonly parents?: boolean;
  readonly exclude?: readonly string[];
}

/** How a URL, a repository or an archive is added. */
export interface AddOptions {
  readonly checksum?: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly unpack?: boolean;
}

/** When a container counts as healthy. Times are such as `30s`. */
export interface HealthcheckOptions {
  readonly interval?: string;
  readonly timeout?: string;
  readonly startPeriod?: string;
  readonly retries?: number;
}

/** Names and values. */
export type Values = Readonly<Record<string, string | number>>;

/** An image. Every method gives another image and leaves this one as it is. */
export interface Image {
  /** Runs a command by the shell: words are quoted. Several lines run as one script. */
  run(command: TemplateStringsArray, ...words: readonly Word[]): Image;
  /** Runs a command by the shell, or a program with arguments. */
  run(command: string | readonly string[], options?: RunOptions): Image;
  /** Runs what follows with options. */
  run(options: RunOptions): (command: TemplateStringsArray, ...words: readonly Word[]) => Image;
  /** Copies files of the build context, or of another image. */
  copy(sources: string | readonly string[], dest: string, options?: CopyOptions): Image;
  /** Adds a URL, a repository or an archive. */
  add(sources: string | readonly string[], dest: string, options?: AddOptions): Image;
  /** Writes a file; its text ends with a line break. */
  file(path: string, text: string, options?: Pick<CopyOptions, "chown" | "chmod">): Image;
  env(values: Values): Image;
  env(name: string, value: string | number): Image;
  label(values: Values): Image;
  label(name: string, value: string | number): Image;
  workdir(path: string): Image;
  user(name: string | number): Image;
  /** A text runs by the shell. A command that the script has given stays. */
  entrypoint(command: string | readonly string[]): Image;
  cmd(command: string | readonly string[]): Image;
  shell(command: readonly string[]): Image;
  expose(...ports: readonly (string | number)[]): Image;
  volume(...paths: readonly string[]): Image;
  stopSignal(signal: string | number): Image;
  /** `false` takes the check of the base away. */
  healthcheck(command: string | readonly string[] | false, options?: HealthcheckOptions): Image;
  /** Gives it a name, for `--target` and to be shown. */
  as(name: string): Image;
}

/** What a script can ask for. */
export interface Tools {
  /** An image to start from; `scratch` for none. */
  from(reference: string, options?: { readonly platform?: string }): Image;
  /** A build argument. One without a value is an error when there is no default. */
  arg(name: string, initial?: string): string;
  /** Text that is not quoted in a command. */
  raw(text: string): Raw;
  /** Platform of the image. */
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string };
  readonly context: {
    /** Paths in the build context that match a pattern with `*`, `?`, `[…]` and `**`, without those of the ignore file. */
    files(pattern: string): Promise<readonly string[]>;
  };
}

/** What the default export of a script is. */
export interface Build {
  /** Makes the image, or images by name, the last of which is built without `--target`. */
  readonly define: Define;
}

/** Makes the image, or several by name. */
export type Define = (tools: Tools) => Made | Promise<Made>;

/** One image, or several by name. */
export type Made = Image | Readonly<Record<string, Image>>;

declare global {
  /** What a build script exports. */
  function build(define: Define): Build;
}

// How images become lines of a Dockerfile.

/** Makes an error at the place that the script is at. */
type Fail = (message: string, hint?: string) => EngineError;

/** Gives the name that an image has in the Dockerfile. */
type NameOf = (source: Node | string) => string;

interface Step {
  readonly kind: "from" | "cmd" | "entrypoint" | "other";
  readonly at: SourceRange;
  /** Other images that it reads. */
  readonly sources: readonly Node[];
  /** Its lines. */
  write(nameOf: NameOf): string;
}

/** What all images of a script share. */
interface Shared {
  here(): SourceRange;
  readonly fail: Fail;
}

class Node implements Image {
  readonly parent: Node | undefined;
  readonly step: Step;
  readonly name: string | undefined;
  /** CMD that the script has given so far. */
  readonly command: Step | undefined;
  readonly shared: Shared;

  constructor(shared: Shared, parts: { readonly parent?: Node; readonly step: Step; readonly name?: string }) {
    const { parent, step, name } = parts;
    this.shared = shared;
    this.parent = parent;
    this.step = step;
    this.name = name;
    this.command = step.kind === "cmd" ? step : parent?.command;
    Object.freeze(this);
  }

  run(first: TemplateStringsArray | string | readonly string[] | RunOptions, ...rest: readonly unknown[]): never {
    // The overloads of Image say what comes and what is given.
    const { fail } = this.shared;
    if (isTemplate(first)) return this.#run(commandOf(first, rest, fail), {}) as never;
    if (typeof first === "string" || isList(first)) return this.#run(first, { ...Object(rest[0]) }) as never;
    const options: RunOptions = { ...Object(first) };
    const tag = (strings: TemplateStringsArray, ...words: readonly Word[]): Image =>
      this.#run(commandOf(strings, words, fail), options);
    return tag as never;
  }

  #run(command: string | readonly string[], options: RunOptions): Image {
    const { fail } = this.shared;
    const { mounts = [], network, security } = options;
    const sources = mounts.flatMap((mount) => "from" in mount && mount.from instanceof Node ? [mount.from] : []);
    const body = typeof command === "string" ? shellBody(command, fail) : jsonOf(command, fail);
    return this.#then("other", (nameOf) => {
      const flags = [
        ...mounts.map((mount) => `--mount=${mountText(mount, nameOf, fail)}`),
        ...flag("network", network, fail),
        ...flag("security", security, fail),
      ];
      return ["RUN", ...flags, body].join(" ");
    }, sources);
  }

  copy(sources: string | readonly string[], dest: string, options: CopyOptions = {}): Image {
    const { fail } = this.shared;
    const { from, chown, chmod, link, parents, exclude = [] } = options;
    const paths = pathsText([sources, dest].flat(), fail);
    const node = imageOf(from, fail);
    return this.#then("other", (nameOf) =>
      [
        "COPY",
        ...(from === undefined ? [] : [`--from=${nameOf(node ?? String(from))}`]),
        ...flag("chown", chown, fail),
        ...flag("chmod", chmod, fail),
        ...(link === true ? ["--link"] : []),
        ...(parents === true ? ["--parents"] : []),
        ...exclude.flatMap((pattern) => flag("exclude", pattern, fail)),
        paths,
      ].join(" "), node === undefined ? [] : [node]);
  }

  add(sources: string | readonly string[], dest: string, options: AddOptions = {}): Image {
    const { fail } = this.shared;
    const { checksum, chown, chmod, unpack } = options;
    const flags = [
      ...flag("checksum", checksum, fail),
      ...flag("chown", chown, fail),
      ...flag("chmod", chmod, fail),
      ...(unpack === undefined ? [] : [`--unpack=${unpack === true}`]),
    ];
    return this.#line(["ADD", ...flags, pathsText([sources, dest].flat(), fail)].join(" "));
  }

  file(path: string, text: string, options: Pick<CopyOptions, "chown" | "chmod"> = {}): Image {
    const { fail } = this.shared;
    if (!isPlain(path) || path.endsWith("/")) {
      throw fail(`Cannot write file "${path}": expected a path without blanks and quotes that does not end in a slash`);
    }
    const flags = [...flag("chown", options.chown, fail), ...flag("chmod", options.chmod, fail)];
    const { mark, body } = heredoc(checked(text, fail, "the text of a file", /[\0\r]/));
    return this.#line(`${["COPY", ...flags, `<<"${mark}"`, path].join(" ")}\n${body}`);
  }

  env(first: string | Values, value?: string | number): Image {
    return this.#line(`ENV ${pairsText(first, value, this.shared.fail)}`);
  }

  label(first: string | Values, value?: string | number): Image {
    return this.#line(`LABEL ${pairsText(first, value, this.shared.fail)}`);
  }

  workdir(path: string): Image {
    return this.#line(`WORKDIR ${word(path, this.shared.fail)}`);
  }

  user(name: string | number): Image {
    return this.#line(`USER ${word(String(name), this.shared.fail)}`);
  }

  entrypoint(command: string | readonly string[]): Image {
    return this.#line(`ENTRYPOINT ${commandText(command, this.shared.fail)}`, "entrypoint");
  }

  cmd(command: string | readonly string[]): Image {
    return this.#line(`CMD ${commandText(command, this.shared.fail)}`, "cmd");
  }

  shell(command: readonly string[]): Image {
    return this.#line(`SHELL ${jsonOf(command, this.shared.fail)}`);
  }

  expose(...ports: readonly (string | number)[]): Image {
    return this.#line(`EXPOSE ${ports.map((port) => word(String(port), this.shared.fail)).join(" ")}`);
  }

  volume(...paths: readonly string[]): Image {
    const wrong = paths.find((path) => path === "" || path !== path.trim());
    if (wrong !== undefined) {
      throw this.shared.fail(`Cannot make volume "${wrong}": expected a path without blanks at its ends`);
    }
    return this.#line(`VOLUME ${jsonOf(paths.map((path) => escaped(path, this.shared.fail)), this.shared.fail)}`);
  }

  stopSignal(signal: string | number): Image {
    return this.#line(`STOPSIGNAL ${word(String(signal), this.shared.fail)}`);
  }

  healthcheck(command: string | readonly string[] | false, options: HealthcheckOptions = {}): Image {
    const { fail } = this.shared;
    if (command === false) return this.#line("HEALTHCHECK NONE");
    const { interval, timeout, startPeriod, retries } = options;
    const flags = [
      ...flag("interval", interval, fail),
      ...flag("timeout", timeout, fail),
      ...flag("start-period", startPeriod, fail),
      ...flag("retries", retries?.toString(), fail),
    ];
    return this.#line(["HEALTHCHECK", ...flags, "CMD", commandText(command, fail)].join(" "));
  }

  as(name: string): Image {
    const { fail } = this.shared;
    checkName(name, fail);
    const { parent, step } = this;
    return new Node(this.shared, parent === undefined ? { step, name } : { parent, step, name });
  }

  #line(text: string, kind: Step["kind"] = "other"): Image {
    return this.#then(kind, () => text);
  }

  #then(kind: Step["kind"], write: Step["write"], sources: readonly Node[] = []): Image {
    return new Node(this.shared, { parent: this, step: { kind, at: this.shared.here(), sources, write } });
  }
}

/** Where an image starts. */
function rootOf(shared: Shared, reference: string, platform: string | undefined): Node {
  const { fail } = shared;
  if (!isPlain(reference)) throw fail(`Cannot start from "${reference}": expected the name of an image`);
  const flags = flag("platform", platform, fail);
  const write = (): string => ["FROM", ...flags, reference].join(" ");
  return new Node(shared, { step: { kind: "from", at: shared.here(), sources: [], write } });
}

function imageOf(from: Image | string | undefined, fail: Fail): Node | undefined {
  if (from === undefined || from instanceof Node) return from;
  if (typeof from === "string" && isPlain(from)) return undefined;
  throw fail("Cannot copy from this: expected an image, or a name");
}

function checkName(name: string, fail: Fail): void {
  if (typeof name === "string" && /^[a-z][a-z0-9_.-]*$/.test(name)) return;
  throw fail(`Cannot name an image "${name}": expected lower-case letters, digits and . _ -`);
}

// Texts.

function isTemplate(value: unknown): value is TemplateStringsArray {
  return Array.isArray(value) && Object.hasOwn(value, "raw");
}

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}

/** Text that means the same to the shell, to words of a Dockerfile and to its flags. */
function isPlain(text: string): boolean {
  return typeof text === "string" && /^[\p{L}\p{N}_./:@%+=,~-]+$/u.test(text);
}

function checked(text: unknown, fail: Fail, what: string, refused: RegExp): string {
  if (typeof text !== "string") throw fail(`Cannot use ${what}: expected a text`);
  if (!refused.test(text)) return text;
  throw fail(`Cannot use ${what} ${JSON.stringify(text.slice(0, 80))}: a line of a Dockerfile cannot hold it`);
}

const lineBreaks = /[\n\r\0]/;

/** A text in which a Dockerfile finds no variables, quotes and escapes. */
function escaped(text: string, fail: Fail): string {
  return checked(text, fail, "text", lineBreaks).replace(/[\\"'$]/g, "\\$&");
}

/** A text as one word. */
function word(text: string, fail: Fail): string {
  if (isPlain(text)) return text;
  return `"${checked(text, fail, "text", lineBreaks).replace(/[\\"$]/g, "\\$&")}"`;
}

function jsonOf(words: readonly string[], fail: Fail): string {
  if (!Array.isArray(words) || words.some((each) => typeof each !== "string")) {
    throw fail("Cannot use this command: expected a list of texts");
  }
  return JSON.stringify(words);
}

function pathsText(paths: readonly string[], fail: Fail): string {
  if (paths.length > 1 && paths.every(isPlain) && !paths.some((path) => path.startsWith("-"))) return paths.join(" ");
  return jsonOf(paths.map((path) => escaped(path, fail)), fail);
}

function pairsText(first: string | Values, value: string | number | undefined, fail: Fail): string {
  const values = typeof first === "string" ? { [first]: value ?? "" } : { ...first };
  const pairs = Object.entries(values).map(([name, each]) => `${word(name, fail)}=${word(String(each), fail)}`);
  const wrong = Object.keys(values).find((name) => name === "" || name.includes("="));
  if (pairs.length === 0 || wrong !== undefined) {
    throw fail(`Cannot set ${wrong === undefined ? "values: there is none" : `"${wrong}": that is no name`}`);
  }
  return pairs.map((pair) => pair.endsWith("=") ? `${pair}""` : pair).join(" ");
}

function flag(name: string, value: string | undefined, fail: Fail): string[] {
  if (value === undefined) return [];
  return [`--${name}=${checked(value, fail, `"${name}"`, /[\s"'\\\0]/).replaceAll("$", "\\$")}`];
}

function commandText(command: string | readonly string[], fail: Fail): string {
  if (typeof command !== "string") return jsonOf(command, fail);
  const text = checked(command, fail, "command", lineBreaks).trim();
  if (text !== "" && !/^\[|\\$/.test(text)) return text;
  throw fail(`Cannot use command "${command}": expected a command for the shell, or a list of texts`);
}

/** A command for the shell: on the line where it can stand there, else as a script of its own. */
function shellBody(command: string, fail: Fail): string {
  const text = checked(dedent(command), fail, "command", /[\r\0]/);
  if (text === "") throw fail("Cannot run a command: it is empty");
  if (!/\n|<<|^(?:\[|--|#)|\\$/.test(text)) return text;
  const { mark, body } = heredoc(text);
  return `<<"${mark}"\n${body}`;
}

function heredoc(text: string): { readonly mark: string; readonly body: string } {
  const lines = text.split("\n");
  let mark = "EOF";
  for (let count = 1; lines.includes(mark); count++) mark = `EOF${count}`;
  return { mark, body: text === "" ? mark : `${text.replace(/\n$/, "")}\n${mark}` };
}

/** A text without blank lines around it, and without the blanks that all lines start with. */
function dedent(text: string): string {
  const lines = text.replace(/^(?:[ \t]*\n)+/, "").trimEnd().split("\n");
  const indents = lines.filter((line) => line.trim() !== "").map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0);
  const common = indents.length === 0 ? 0 : Math.min(...indents);
  return lines.map((line) => line.slice(common)).join("\n");
}

function commandOf(strings: TemplateStringsArray, words: readonly unknown[], fail: Fail): string {
  // Indentation is taken off before words are put in: theirs stays.
  const holes = dedent(strings.join("\0")).split("\0");
  return holes.map((part, i) => i === 0 ? part : shellText(words[i - 1], fail) + part).join("");
}

function shellText(value: unknown, fail: Fail): string {
  if (Array.isArray(value)) return value.map((each) => shellText(each, fail)).join(" ");
  if (typeof value === "object" && value !== null && "raw" in value && typeof value.raw === "string") return value.raw;
  if (typeof value !== "string" && typeof value !== "number") {
    throw fail(
      `Cannot put ${value === null ? "null" : typeof value} into a command: expected a text, a number or a list`,
    );
  }
  const text = String(value);
  return isPlain(text) && !text.startsWith("~") ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function mountText(mount: Mount, nameOf: NameOf, fail: Fail): string {
  const { type } = mount;
  const own = {
    from: undefined,
    source: undefined,
    target: undefined,
    id: undefined,
    sharing: undefined,
    env: undefined,
    ...mount,
  };
  const from = own.from === undefined ? undefined : nameOf(imageOf(own.from, fail) ?? String(own.from));
  const options = {
    type,
    from,
    source: own.source,
    target: own.target,
    id: own.id,
    sharing: own.sharing,
    env: own.env,
  };
  const switches = [
    ..."writable" in mount && mount.writable === true ? ["readwrite"] : [],
    ..."required" in mount && mount.required === true ? ["required"] : [],
  ];
  const pairs = Object.entries(options).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [`${name}=${checked(value, fail, `"${name}" of a mount`, /[\s,"'\\\0]/).replaceAll("$", "\\$")}`]
  );
  return [...pairs, ...switches].join(",");
}

// The Dockerfile.

/** Text of a Dockerfile, and where in the script each line comes from. */
interface Written {
  readonly text: string;
  readonly origins: readonly SourceRange[];
}

/** Images as stages: one ends where an image has a name, is read from, or is built on more than once. */
class Writer {
  readonly #lines: string[] = [];
  readonly #origins: SourceRange[] = [];
  readonly #users = new Map<Node, number>();
  readonly #sources = new Set<Node>();
  readonly #names = new Map<Node, string>();
  readonly #taken: Set<string>;
  readonly #written = new Set<Node>();
  readonly #fail: Fail;
  #last: Node | undefined;

  constructor(
    outputs: readonly (readonly [name: string | undefined, image: Node])[],
    taken: readonly string[],
    fail: Fail,
  ) {
    this.#fail = fail;
    this.#taken = new Set(taken);
    for (const [, image] of outputs) this.#count(image);
    for (const [name, image] of outputs) if (name !== undefined && image.name === undefined) this.#name(image, name);
    for (const [name, image] of outputs) {
      this.#write(image);
      const known = this.#names.get(image);
      if (name !== undefined && known !== name) this.#alias(image, ` AS ${this.#claim(name)}`);
    }
    const [, result] = outputs.at(-1) ?? [];
    if (result !== undefined && this.#last !== result) this.#alias(result, "");
  }

  get written(): Written {
    return { text: `${this.#lines.join("\n")}\n`, origins: this.#origins };
  }

  /** Counts how often each image is built on, and names those that have one. */
  #count(image: Node): void {
    for (let node: Node | undefined = image; node !== undefined; node = node.parent) {
      const users = this.#users.get(node);
      this.#users.set(node, (users ?? 0) + 1);
      if (users !== undefined) return;
      if (node.name !== undefined) this.#name(node, node.name);
      if (node.step.kind === "from") this.#taken.add(node.step.write(() => "").replace(/^.* /, "").toLowerCase());
      for (const source of node.step.sources) {
        this.#sources.add(source);
        this.#count(source);
      }
    }
  }

  #name(image: Node, name: string): void {
    if (!this.#names.has(image)) this.#names.set(image, this.#claim(name));
  }

  #claim(name: string): string {
    checkName(name, this.#fail);
    if (this.#taken.has(name)) {
      throw this.#fail(`Cannot name an image "${name}": another image has that name`, "Give it another name");
    }
    this.#taken.add(name);
    return name;
  }

  #nameOf(image: Node): string {
    const known = this.#names.get(image);
    if (known !== undefined) return known;
    let count = 1;
    while (this.#taken.has(`image-${count}`)) count++;
    this.#name(image, `image-${count}`);
    return `image-${count}`;
  }

  /** Whether a stage ends with an image. One that only starts from something is as good by its own name. */
  #isEnd(image: Node): boolean {
    if (this.#names.has(image)) return true;
    if (image.step.kind === "from") return this.#sources.has(image) && / --platform=/.test(image.step.write(() => ""));
    return this.#sources.has(image) || (this.#users.get(image) ?? 0) > 1;
  }

  #write(end: Node): void {
    if (this.#written.has(end)) return;
    this.#written.add(end);
    const chain: Node[] = [];
    let below: Node | undefined = end;
    do {
      chain.unshift(below);
      below = below.parent;
    } while (below !== undefined && !this.#isEnd(below));
    if (below !== undefined) this.#write(below);
    for (const { step } of chain) for (const source of step.sources) if (this.#isEnd(source)) this.#write(source);
    const isRead = this.#names.has(end) || this.#sources.has(end) || (this.#users.get(end) ?? 0) > 1;
    const as = isRead ? ` AS ${this.#nameOf(end)}` : "";
    const [first, ...more] = below === undefined ? chain : [undefined, ...chain];
    this.#stage(first === undefined ? `FROM ${this.#nameOf(below ?? end)}` : first.step.write(() => ""), as, chain[0]);
    let hasCmd = false;
    for (const node of more) {
      if (node === undefined) continue;
      this.#push(node.step.write((source) => this.#source(source)), node.step.at);
      hasCmd ||= node.step.kind === "cmd";
      // A stage forgets the command of the one below it when it sets an entrypoint.
      if (node.step.kind === "entrypoint" && !hasCmd && node.command !== undefined) {
        this.#push(node.command.write(() => ""), node.command.at);
      }
    }
    this.#last = end;
  }

  #source(source: Node | string): string {
    if (typeof source === "string") return source;
    return this.#isEnd(source) ? this.#nameOf(source) : source.step.write(() => "").replace(/^FROM /, "");
  }

  #alias(image: Node, as: string): void {
    this.#stage(`FROM ${this.#nameOf(image)}`, as, image);
    this.#last = undefined;
  }

  #stage(from: string, as: string, at: Node | undefined): void {
    const range = at?.step.at ?? this.#origins[0];
    if (range === undefined) return;
    if (this.#lines.length > 0) this.#push("", range);
    this.#push(from + as, range);
  }

  #push(text: string, at: SourceRange): void {
    for (const line of text.split("\n")) {
      this.#lines.push(line);
      this.#origins.push(at);
    }
  }
}

// The build context.

/** Most names that are looked at for a pattern. */
const maxNames = 20_000;

/** Finds paths in the build context by a pattern, folder by folder. */
async function findFiles(
  pattern: string,
  file: SourceFile,
  context: ParseContext,
  kit: Kit,
): Promise<readonly string[]> {
  const own = file.path === "-"
    ? undefined
    : await context.siblingFile(`${file.path.replace(/^.*\//, "")}.dockerignore`);
  const lines = (own ?? await context.contextFile(".dockerignore") ?? "").split(/\r?\n/).map((line) => line.trim());
  const ignore = kit.compileIgnore(lines.filter((line) => line !== "" && !line.startsWith("#")));
  const found = new Set<string>();
  let looked = 0;
  const list = async (folder: string): Promise<readonly string[]> => {
    try {
      return await context.contextNames(folder === "" ? "." : folder);
    } catch (error) {
      // It is no folder.
      if (error instanceof Error && "code" in error && error.code === "NOT_FOUND") return [];
      throw error;
    }
  };
  const walk = async (folder: string, [first, ...more]: readonly string[]): Promise<void> => {
    if (first === undefined) return;
    if (first === "**") await walk(folder, more.length === 0 ? ["*"] : more);
    for (const name of await list(folder)) {
      if (++looked > maxNames) {
        throw kit.error("INVALID_ARGUMENT", `Cannot find "${pattern}": more than ${maxNames} names`);
      }
      const path = folder === "" ? name : `${folder}/${name}`;
      const isOut = ignore.isExcluded(path);
      if (first === "**") {
        if (!isOut || !ignore.canSkipBelow(path)) await walk(path, [first, ...more]);
      } else if (kit.matchPath(first, name)) {
        if (more.length > 0) await walk(path, more);
        else if (!isOut) found.add(path);
      }
    }
  };
  await walk("", pattern.replace(/^(?:\.?\/)+/, "").split("/").filter((part) => part !== "" && part !== "."));
  return [...found].sort();
}

// The plugin.

const builds = new WeakSet<object>();

function makeBuild(define: Define): Build {
  const made = Object.freeze({ define });
  builds.add(made);
  return made;
}

function isBuild(value: unknown): value is Build {
  return typeof value === "object" && value !== null && builds.has(value);
}

/** An argument that a script has asked for. */
interface Asked {
  readonly name: string;
  readonly value?: string;
  readonly at: SourceRange;
}

const plugin: PluginFactory = ({ kit, runScript }) => {
  Object.defineProperty(globalThis, "build", { value: makeBuild, configurable: true });

  async function run(file: SourceFile, context: ParseContext): Promise<Written & { readonly asked: readonly Asked[] }> {
    if (context.signal.aborted) throw kit.error("CANCELED", "Cannot read the build script: the build was canceled");
    const script = await runScript(file);
    const top: SourceRange = { file: file.path, line: 1, endLine: 1, source: file.text.split(/\r?\n/)[0] ?? "" };
    const fail = failAt(script, top);
    const made = script.exports["default"];
    if (!isBuild(made)) throw fail("Cannot read the build script: expected export default build(…)");
    const asked = new Map<string, Asked>();
    try {
      const given = await made.define(toolsOf({ file, context, fail, asked, here: () => script.here() ?? top }));
      const outputs = given instanceof Node ? [[undefined, given] as const] : imagesOf(given, fail);
      return { ...new Writer(outputs, context.contexts, fail).written, asked: [...asked.values()] };
    } catch (error) {
      throw script.fault(error);
    }
  }

  function failAt(script: Script, top: SourceRange): Fail {
    return (message, hint) =>
      kit.error("PARSE_FAILED", message, {
        detail: { range: script.here() ?? top, instruction: "" },
        ...(hint === undefined ? {} : { hint }),
      });
  }

  function toolsOf(given: {
    readonly file: SourceFile;
    readonly context: ParseContext;
    readonly fail: Fail;
    readonly asked: Map<string, Asked>;
    readonly here: () => SourceRange;
  }): Tools {
    const { file, context, fail, asked, here } = given;
    return {
      from: (reference, options = {}) => rootOf({ here, fail }, reference, options.platform),
      arg(name, initial): string {
        const value = Object.hasOwn(context.args, name) ? context.args[name] : initial;
        if (!asked.has(name)) asked.set(name, { name, ...(value === undefined ? {} : { value }), at: here() });
        if (value !== undefined) return value;
        throw fail(`Cannot read build argument "${name}": it has no value`, `Add --build-arg ${name}=VALUE`);
      },
      raw: (text) => ({ raw: text }),
      platform: context.platform,
      context: { files: (pattern) => findFiles(pattern, file, context, kit) },
    };
  }

  function imagesOf(given: unknown, fail: Fail): readonly (readonly [string, Node])[] {
    const entries = Object.entries({ ...Object(given) });
    if (entries.length === 0) throw fail("Cannot read the build script: it gives no image");
    return entries.map(([name, image]) => {
      if (image instanceof Node) return [name, image];
      throw fail(`Cannot read the build script: "${name}" is no image`);
    });
  }

  return {
    name: "build-script",
    api: 1,
    parse: [{
      format: "script",
      matches: ({ path }) => /(?:^|[/.])strata\.ts$/.test(path),
      async parse(file, context): Promise<BuildGraph> {
        const { text, origins, asked } = await run(file, context);
        return await context.parseAs("dockerfile", { path: file.path, text, origins, args: restOf(context, asked) });
      },
      async outline(file, context): Promise<BuildOutline> {
        const { text, origins, asked } = await run(file, context);
        const args = restOf(context, asked);
        return { ...await context.outlineAs("dockerfile", { path: file.path, text, origins, args }), args: asked };
      },
    }],
  };
};

/** Build arguments that the script has not taken. */
function restOf({ args }: ParseContext, asked: readonly Asked[]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(args).filter(([name]) => !asked.some((each) => each.name === name)));
}

export default plugin;
