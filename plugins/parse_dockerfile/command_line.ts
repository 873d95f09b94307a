import type { CommandLine } from "./ast.ts";
import { quote } from "./fault.ts";
import { readJsonList } from "./json_list.ts";
import { type Span } from "./source.ts";
import { failAt, type Statement } from "./statement.ts";

/** The JSON strings that arguments consist of; undefined when they are no JSON array. Throws `PARSE_FAILED` for an array of other things. */
export function readExecForm(statement: Statement, span: Span = statement.rest): readonly string[] | undefined {
  const list = readJsonList(statement.line.text.slice(span.start, span.end));
  if (list === undefined) return undefined;
  if ("items" in list) return list.items;
  const part = { start: span.start + list.notText.start, end: span.start + list.notText.end };
  throw failAt(statement, part, {
    message: `Cannot read ${statement.name}: array element ${
      quote(statement.line.text.slice(part.start, part.end))
    }, expected a string`,
    hint: "Put every element in double quotes",
  });
}

/** A command as an argument vector when it is a JSON array, else as text for the shell. */
export function readCommandLine(statement: Statement, span: Span = statement.rest): CommandLine {
  const args = readExecForm(statement, span);
  return args === undefined
    ? { form: "shell", text: statement.line.text.slice(span.start, span.end) }
    : { form: "exec", args };
}
