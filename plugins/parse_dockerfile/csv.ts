/** Fields of one line of comma-separated values; undefined when its double quotes are wrong. */
export function readCsv(line: string): readonly string[] | undefined {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (line[at] !== '"') {
      const comma = line.indexOf(",", at);
      const field = line.slice(at, comma === -1 ? undefined : comma);
      if (field.includes('"')) return undefined;
      fields.push(field);
      if (comma === -1) return fields;
      at = comma + 1;
      continue;
    }
    const field = readQuotedField(line, at + 1);
    if (field === undefined) return undefined;
    fields.push(field.text);
    if (field.next >= line.length) return fields;
    if (line[field.next] !== ",") return undefined;
    at = field.next + 1;
  }
}

/** Text up to the closing quote; two quotes stand for one. */
function readQuotedField(line: string, from: number): { readonly text: string; readonly next: number } | undefined {
  let text = "";
  let at = from;
  for (;;) {
    const end = line.indexOf('"', at);
    if (end === -1) return undefined;
    text += line.slice(at, end);
    if (line[end + 1] !== '"') return { text, next: end + 1 };
    text += '"';
    at = end + 2;
  }
}
