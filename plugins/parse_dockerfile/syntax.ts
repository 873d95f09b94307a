const own = /^(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?(?:[:@].*)?$/;
const directive = /^[\t\n\f\r ]*#[\t\n\f\r ]*([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(\S+)/;
const known = ["syntax", "escape", "check"];

/** Whether a syntax is Docker's own, which is what this plugin reads. */
export function isOwnSyntax(syntax: string): boolean {
  return own.test(syntax);
}

/** The syntax that the directives at the head of a file name; undefined without one. */
export function syntaxOf(text: string): string | undefined {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/, 8);
  for (const line of lines[0]?.startsWith("#!") ? lines.slice(1) : lines) {
    const [, key = "", value] = directive.exec(line) ?? [];
    if (key.toLowerCase() === "syntax") return value;
    if (!known.includes(key.toLowerCase())) return undefined;
  }
  return undefined;
}
