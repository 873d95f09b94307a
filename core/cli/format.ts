import type { Template } from "./template/execute.ts";
import type { Value } from "./template/node.ts";
import { formatTable } from "./table.ts";

/** How a list is shown: its columns by default, and what each field of a row is called in a header. */
export interface ListView {
  /** Fields of the default table, in order. */
  readonly columns: readonly string[];
  /** Header of each field that a template may name. */
  readonly headers: Readonly<Record<string, string>>;
}

/** One row: text of each field by name. */
export type Row = Readonly<Record<string, Value>>;

/**
 * Text of a list for `--format`: the default table (empty or `table`), `json` (one object a line), `table TEMPLATE` with a header, or a Go
 * template for each row. Ends with a newline unless empty. Throws `INVALID_ARGUMENT` for a template that cannot be used.
 */
export async function formatRows(view: ListView, rows: readonly Row[], format: string | undefined): Promise<string> {
  const wanted = format?.trim() ?? "";
  if (wanted === "" || wanted === "table") {
    const lines = rows.map((row) => view.columns.map((column) => String(row[column] ?? "")));
    return formatTable([view.columns.map((column) => view.headers[column] ?? column), ...lines]);
  }
  if (wanted === "json") return rows.map((row) => JSON.stringify(row) + "\n").join("");
  const isTable = /^table\s/.test(wanted);
  const text = (isTable ? wanted.slice(6).trim() : wanted).replaceAll("\\t", "\t").replaceAll("\\n", "\n");
  const { compileTemplate } = await import("./template/execute.ts");
  const lines = rows.map(lineOf(compileTemplate(text)));
  if (!isTable) return lines.join("");
  // The header is the template with each field replaced by its name; functions would only garble it.
  const header = compileTemplate(text.replace(/\{\{[^}]*?(\.\w+)[^}]*\}\}/g, "{{$1}}")).execute(view.headers);
  return formatTable([header, ...lines.map((line) => line.replace(/\n$/, ""))].map((line) => line.split("\t")));
}

function lineOf(template: Template): (row: Row) => string {
  return (row) => template.execute(row) + "\n";
}
