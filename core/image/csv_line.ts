/**
 * Fields of one CSV line (RFC 4180), as options of several parts are written: a field in quotes may hold commas, and quotes
 * written twice. Undefined when its quotes do not pair.
 */
export function splitCsv(text: string): readonly string[] | undefined {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (let isOpen = true; isOpen;) {
    const match = pattern.exec(text);
    if (match === null) return undefined;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    isOpen = match[3] === ",";
  }
  return fields;
}
