/** A value a template works on: JSON data, or undefined for what is not there. */
export type Value = null | undefined | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

/** Something that gives a value. */
export type Expression =
  | { readonly type: "literal"; readonly value: Value }
  | { readonly type: "dot" }
  | { readonly type: "variable"; readonly name: string }
  | { readonly type: "field"; readonly of: Expression; readonly name: string }
  | { readonly type: "call"; readonly name: string; readonly args: readonly Expression[] };

/** What stands between `{{` and `}}` where a value is computed, perhaps into variables. */
export interface Pipeline {
  readonly value: Expression;
  /** Variables that get the value: one, or index and element in `range`. */
  readonly variables: readonly string[];
  /** True for `:=`, which makes them, false for `=`. */
  readonly isDeclared: boolean;
}

/** One part of a template. */
export type Node =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "print"; readonly pipeline: Pipeline }
  | {
    readonly type: "if" | "with" | "range";
    readonly pipeline: Pipeline;
    readonly body: readonly Node[];
    readonly otherwise: readonly Node[];
  }
  | { readonly type: "break" | "continue" };
