import type { EngineError } from "../../errors.ts";
import { functions, isTrue, print, TemplateFault } from "./functions.ts";
import { templateError } from "./lexer.ts";
import type { Expression, Node, Pipeline, Value } from "./node.ts";
import { parseTemplate } from "./parse.ts";

/** A compiled Go template. */
export interface Template {
  /** Text for one piece of data. A member that the root has not is `INVALID_ARGUMENT`; deeper down it prints `<no value>`. */
  execute(data: Value): string;
}

/** Compiles a Go template with docker's functions. Throws `INVALID_ARGUMENT`. */
export function compileTemplate(template: string): Template {
  const nodes = parseTemplate(template);
  return {
    execute(data: Value): string {
      try {
        const run = new Run(data);
        run.nodes(nodes, data);
        return run.text;
      } catch (caught) {
        throw caught instanceof TemplateFault ? faultOf(template, caught) : caught;
      }
    },
  };
}

function faultOf(template: string, fault: TemplateFault): EngineError {
  return templateError(template, fault.message);
}

/** What stops a loop early. */
type Jump = "break" | "continue" | undefined;

class Run {
  text = "";
  readonly #root: Value;
  #scopes: Map<string, Value>[];

  constructor(root: Value) {
    this.#root = root;
    this.#scopes = [new Map([["$", root]])];
  }

  nodes(nodes: readonly Node[], dot: Value): Jump {
    for (const node of nodes) {
      const jump = this.#node(node, dot);
      if (jump !== undefined) return jump;
    }
    return undefined;
  }

  #node(node: Node, dot: Value): Jump {
    switch (node.type) {
      case "text":
        this.text += node.text;
        return undefined;
      case "print": {
        const value = this.#pipeline(node.pipeline, dot);
        if (node.pipeline.variables.length === 0) this.text += print(value);
        return undefined;
      }
      case "break":
      case "continue":
        return node.type;
      case "range":
        return this.#scoped(() => this.#range(node, dot));
      case "if":
      case "with":
        return this.#scoped(() => {
          const value = this.#pipeline(node.pipeline, dot);
          if (isTrue(value)) return this.nodes(node.body, node.type === "with" ? value : dot);
          return this.nodes(node.otherwise, dot);
        });
    }
  }

  #range(node: Extract<Node, { type: "range" | "if" | "with" }>, dot: Value): Jump {
    const list = this.#value(node.pipeline.value, dot);
    const pairs = pairsOf(list);
    if (pairs.length === 0) return this.nodes(node.otherwise, dot);
    for (const [key, element] of pairs) {
      const jump = this.#scoped(() => {
        const names = node.pipeline.variables;
        if (names.length === 1) this.#declare(names[0], element);
        else [key, element].forEach((value, i) => this.#declare(names[i], value));
        return this.nodes(node.body, element);
      });
      if (jump === "break") break;
    }
    return undefined;
  }

  #scoped(body: () => Jump): Jump {
    this.#scopes.push(new Map());
    const jump = body();
    this.#scopes.pop();
    return jump;
  }

  #pipeline(pipeline: Pipeline, dot: Value): Value {
    const value = this.#value(pipeline.value, dot);
    for (const name of pipeline.variables) {
      if (pipeline.isDeclared) this.#declare(name, value);
      else this.#scopeOf(name).set(name, value);
    }
    return value;
  }

  #declare(name: string | undefined, value: Value): void {
    if (name !== undefined) this.#scopes.at(-1)?.set(name, value);
  }

  #scopeOf(name: string): Map<string, Value> {
    const scope = this.#scopes.findLast((each) => each.has(name));
    if (scope === undefined) throw new TemplateFault(`variable ${name} is not defined`);
    return scope;
  }

  #value(expression: Expression, dot: Value): Value {
    switch (expression.type) {
      case "literal":
        return expression.value;
      case "dot":
        return dot;
      case "variable":
        return this.#scopeOf(expression.name).get(expression.name);
      case "field":
        return this.#field(this.#value(expression.of, dot), expression.name);
      case "call":
        return this.#call(expression.name, expression.args, dot);
    }
  }

  #call(name: string, args: readonly Expression[], dot: Value): Value {
    const call = functions.get(name);
    if (call === undefined) throw new TemplateFault(`function "${name}" is not known`);
    return call(...args.map((arg) => this.#value(arg, dot)));
  }

  #field(value: Value, name: string): Value {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== "object" || Array.isArray(value)) {
      throw new TemplateFault(`${print(value)} has no field ${name}`);
    }
    const map: { readonly [key: string]: Value } = value as { readonly [key: string]: Value };
    if (Object.hasOwn(map, name)) return map[name];
    if (value === this.#root) {
      throw new TemplateFault(`there is no field ${name}, known are ${Object.keys(map).join(", ")}`);
    }
    return undefined;
  }
}

function pairsOf(value: Value): readonly (readonly [Value, Value])[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map((element, i) => [i, element]);
  if (typeof value === "object") {
    return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, member]);
  }
  if (typeof value === "number") return Array.from({ length: value }, (_, i) => [i, i]);
  throw new TemplateFault(`range cannot go over ${print(value)}`);
}
