import { type Piece, readPieces, templateError, type Token } from "./lexer.ts";
import type { Expression, Node, Pipeline } from "./node.ts";
import { functions } from "./functions.ts";

/** Parses a Go template (text/template without `define`, `block` and `template`). Throws `INVALID_ARGUMENT`. */
export function parseTemplate(template: string): Node[] {
  return new Parser(template).parse();
}

class Parser {
  readonly #template: string;
  readonly #pieces: readonly Piece[];
  #at = 0;
  #tokens: readonly Token[] = [];
  #next = 0;

  constructor(template: string) {
    this.#template = template;
    this.#pieces = readPieces(template);
  }

  parse(): Node[] {
    const { nodes, end } = this.#block();
    if (end !== undefined) throw this.#fault(`found {{${end}}} with nothing to end`);
    return nodes;
  }

  /** Nodes up to `end` or `else`, whose keyword is given back; undefined at the end of the template. */
  #block(): { nodes: Node[]; end: string | undefined } {
    const nodes: Node[] = [];
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at++];
      if (piece === undefined) break;
      if ("text" in piece) {
        if (piece.text !== "") nodes.push({ type: "text", text: piece.text });
        continue;
      }
      [this.#tokens, this.#next] = [piece.tokens, 0];
      const word = this.#peek()?.type === "word" ? this.#peek()?.text : undefined;
      if (word === "end" || word === "else") {
        this.#next++;
        return { nodes, end: word };
      }
      nodes.push(this.#action(word));
      if (this.#peek() !== undefined) throw this.#fault(`found "${this.#peek()?.text}", expected }}`);
    }
    return { nodes, end: undefined };
  }

  #action(word: string | undefined): Node {
    if (word === "if" || word === "with" || word === "range") {
      this.#next++;
      return this.#branch(word);
    }
    if (word === "break" || word === "continue") {
      this.#next++;
      return { type: word };
    }
    if (word === "define" || word === "block" || word === "template") {
      throw this.#fault(`{{${word}}} is not known here`);
    }
    return { type: "print", pipeline: this.#pipeline() };
  }

  #branch(type: "if" | "with" | "range"): Node {
    const pipeline = this.#pipeline();
    if (this.#peek() !== undefined) throw this.#fault(`found "${this.#peek()?.text}", expected }}`);
    const body = this.#block();
    let otherwise: Node[] = [];
    if (body.end === "else") {
      const next = this.#peek();
      if (next?.type === "word" && (next.text === "if" || next.text === "with")) {
        this.#next++;
        return { type, pipeline, body: body.nodes, otherwise: [this.#branch(next.text)] };
      }
      const rest = this.#block();
      if (rest.end !== "end") throw this.#fault(`{{${type}}} has no {{end}}`);
      otherwise = rest.nodes;
    } else if (body.end !== "end") throw this.#fault(`{{${type}}} has no {{end}}`);
    this.#next = this.#tokens.length;
    return { type, pipeline, body: body.nodes, otherwise };
  }

  #pipeline(): Pipeline {
    const variables: string[] = [];
    const start = this.#next;
    while (this.#peek()?.type === "variable") {
      variables.push(this.#take().text);
      if (this.#peek()?.text !== ",") break;
      this.#next++;
    }
    const sign = this.#peek()?.text;
    if (variables.length > 0 && (sign === ":=" || sign === "=")) {
      this.#next++;
      return { value: this.#piped(), variables, isDeclared: sign === ":=" };
    }
    this.#next = start;
    return { value: this.#piped(), variables: [], isDeclared: false };
  }

  #piped(): Expression {
    let value = this.#command([]);
    while (this.#peek()?.text === "|" && this.#peek()?.type === "symbol") {
      this.#next++;
      value = this.#command([value]);
    }
    return value;
  }

  /** A function with its arguments, `piped` ones last; or a single value. */
  #command(piped: readonly Expression[]): Expression {
    const first = this.#peek();
    if (first === undefined) throw this.#fault("a value is missing");
    if (first.type === "word" && !["true", "false", "nil"].includes(first.text)) {
      this.#next++;
      if (!functions.has(first.text)) throw this.#fault(`function "${first.text}" is not known`);
      const args: Expression[] = [];
      while (this.#startsOperand()) args.push(this.#operand());
      return { type: "call", name: first.text, args: [...args, ...piped] };
    }
    const value = this.#operand();
    if (piped.length > 0) throw this.#fault("a value cannot be piped into something that is no function");
    return value;
  }

  #startsOperand(): boolean {
    const token = this.#peek();
    return token !== undefined && (token.type !== "symbol" || token.text === "(" || token.text === ".");
  }

  #operand(): Expression {
    let value = this.#primary();
    for (let next = this.#peek(); next?.type === "field" && !next.isSpaced; next = this.#peek()) {
      this.#next++;
      value = { type: "field", of: value, name: next.text.slice(1) };
    }
    return value;
  }

  #primary(): Expression {
    const token = this.#take();
    switch (token.type) {
      case "field":
        return { type: "field", of: { type: "dot" }, name: token.text.slice(1) };
      case "variable":
        return { type: "variable", name: token.text };
      case "string":
        return { type: "literal", value: this.#string(token.text) };
      case "number":
        return { type: "literal", value: Number(token.text) };
      case "word":
        return this.#word(token.text);
      case "symbol":
        if (token.text === ".") return { type: "dot" };
        if (token.text !== "(") throw this.#fault(`found "${token.text}", expected a value`);
    }
    const inner = this.#piped();
    if (this.#take().text !== ")") throw this.#fault("a parenthesis is not closed");
    return inner;
  }

  #word(text: string): Expression {
    if (text === "true" || text === "false") return { type: "literal", value: text === "true" };
    if (text === "nil") return { type: "literal", value: null };
    if (functions.has(text)) return { type: "call", name: text, args: [] };
    throw this.#fault(`function "${text}" is not known`);
  }

  #string(quoted: string): string {
    if (quoted.startsWith("`")) return quoted.slice(1, -1);
    try {
      return String(JSON.parse(quoted));
    } catch {
      throw this.#fault(`string ${quoted} has an escape that is not known`);
    }
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #take(): Token {
    const token = this.#tokens[this.#next++];
    if (token === undefined) throw this.#fault("it ends where a value is expected");
    return token;
  }

  #fault(why: string): Error {
    return templateError(this.#template, why);
  }
}
