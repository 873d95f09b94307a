/** A reference whose name, the part before tag and digest, is one of the config's short names, with what that stands for. */
export function expandAlias(aliases: Readonly<Record<string, string>>, text: string): string {
  const [, name = "", rest = ""] = /^([^:@]*)(.*)$/s.exec(text) ?? [];
  const full = Object.hasOwn(aliases, name) ? aliases[name] : undefined;
  return full === undefined ? text : full + rest;
}
