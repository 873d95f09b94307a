import { EngineError } from "../errors.ts";

/**
 * A JSON text whose top object has a member with another value; everything else of the text stays as it is. The member comes last
 * when the object has none of that name. Throws `INVALID_ARGUMENT` for a text that is no object.
 */
export function setMember(text: string, name: string, value: unknown): string {
  const scan = new Scan(text);
  const members = scan.members();
  const indented = JSON.stringify(value, null, 2).replaceAll("\n", "\n  ");
  const found = members.find((member) => member.name === name);
  if (found !== undefined) return text.slice(0, found.start) + indented + text.slice(found.end);
  const last = members.at(-1);
  const at = last === undefined ? text.indexOf("{") + 1 : last.end;
  const comma = last === undefined ? "" : ",";
  const rest = last === undefined ? text.slice(at).replace(/^\s*/, "\n") : text.slice(at);
  return `${text.slice(0, at)}${comma}\n  ${JSON.stringify(name)}: ${indented}${rest}`;
}

/** A member of the top object, with the place of its value. */
interface Member {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Walks over a text that is JSON, as was checked. */
class Scan {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    const value: unknown = parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw noObject();
    this.#text = text;
  }

  members(): readonly Member[] {
    const members: Member[] = [];
    this.#skip("{");
    while (!this.#isNext("}")) {
      const name: unknown = JSON.parse(this.#take());
      this.#skip(":");
      this.#blanks();
      const start = this.#at;
      this.#take();
      members.push({ name: String(name), start, end: this.#at });
      if (this.#isNext(",")) this.#skip(",");
    }
    return members;
  }

  /** Takes one value, whatever it holds. */
  #take(): string {
    this.#blanks();
    const start = this.#at;
    let depth = 0;
    do {
      const [token = ""] = /^(?:"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+|\s+)/.exec(this.#text.slice(this.#at)) ?? [];
      if (token === "{" || token === "[") depth++;
      if (token === "}" || token === "]") depth--;
      this.#at += Math.max(1, token.length);
    } while (depth > 0 && this.#at < this.#text.length);
    return this.#text.slice(start, this.#at);
  }

  #isNext(mark: string): boolean {
    this.#blanks();
    return this.#text[this.#at] === mark;
  }

  #skip(mark: string): void {
    if (this.#isNext(mark)) this.#at++;
  }

  #blanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EngineError("INVALID_ARGUMENT", "Cannot change the config file: it is not JSON", { cause });
  }
}

function noObject(): EngineError {
  return new EngineError("INVALID_ARGUMENT", "Cannot change the config file: it holds no object");
}
