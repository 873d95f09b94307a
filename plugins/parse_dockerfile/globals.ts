import type { Kit, ParseContext, Platform } from "../../core/contract/mod.ts";
import type { Dockerfile, Instruction } from "./ast.ts";
import { expandWord } from "./expand.ts";
import { formatPlatform } from "./platform.ts";

/** An argument that is declared before the first FROM. */
export interface GlobalArg {
  readonly name: string;
  /** What it is worth; undefined without a default and a build argument. */
  readonly value: string | undefined;
  /** Names that its default refers to. */
  readonly uses: readonly string[];
  readonly instruction: Instruction;
}

/** What FROM lines see. */
export interface Globals {
  /** Values by name: the platform arguments first, then the file's own. */
  readonly values: ReadonlyMap<string, string>;
  /** The file's own arguments by name. */
  readonly declared: ReadonlyMap<string, GlobalArg>;
}

/** What the values of global arguments depend on. */
export interface GlobalSource {
  readonly kit: Kit;
  readonly file: Dockerfile;
  /** Values that win over defaults. */
  readonly buildArgs: Readonly<Record<string, string>>;
  /** The platform arguments, from {@linkcode platformArgs}. */
  readonly platform: ReadonlyMap<string, string>;
}

/** Arguments that every build has: the platforms and the stage that is built. Build arguments of those names win. */
export function platformArgs(context: ParseContext, targetName: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const add = (prefix: string, platform: Platform): void => {
    values.set(`${prefix}PLATFORM`, formatPlatform(platform));
    values.set(`${prefix}OS`, platform.os);
    values.set(`${prefix}OSVERSION`, platform["os.version"] ?? "");
    values.set(`${prefix}ARCH`, platform.architecture);
    values.set(`${prefix}VARIANT`, platform.variant ?? "");
  };
  add("BUILD", context.buildPlatform);
  add("TARGET", context.platform);
  values.set("TARGETSTAGE", targetName === "" ? "default" : targetName);
  for (const name of values.keys()) {
    const given = ownValue(context.args, name);
    if (given !== undefined) values.set(name, given);
  }
  return values;
}

/** Works out the global arguments in order; a default sees the arguments above it. Throws `PARSE_FAILED`. */
export function readGlobals(source: GlobalSource): Globals {
  const values = new Map(source.platform);
  const declared = new Map<string, GlobalArg>();
  for (const instruction of source.file.globalArgs) {
    if (instruction.kind !== "arg") continue;
    for (const { key: name, value: initial } of instruction.pairs) {
      const options = { escape: source.file.escape, instruction, kit: source.kit };
      const given = ownValue(source.buildArgs, name);
      const expanded: { readonly text: string | undefined; readonly used: readonly string[] } = given !== undefined ||
          initial === undefined
        ? { text: given, used: [] }
        : expandWord(initial, (key) => values.get(key), options);
      if (expanded.text !== undefined) values.set(name, expanded.text);
      const before = expanded.used.includes(name) ? declared.get(name)?.uses ?? [] : [];
      const uses = [...before, ...expanded.used.filter((used) => used !== name)];
      declared.set(name, { name, value: expanded.text, uses, instruction });
    }
  }
  return { values, declared };
}

/** A member that an object has itself. */
export function ownValue(record: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
