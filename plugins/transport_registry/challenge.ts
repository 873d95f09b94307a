/** One challenge of a `WWW-Authenticate` header (RFC 9110, 11.6.1). */
export interface Challenge {
  /** Scheme in lower case, e.g. `bearer`. */
  readonly scheme: string;
  /** Parameters, names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * The challenges of an answer in order: several in one header or in several, schemes and names in any case, values quoted or not.
 * What cannot be read is passed over.
 */
export function readChallenges(headers: Headers): readonly Challenge[] {
  const text = headers.get("www-authenticate");
  if (text === null) return [];
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  // Several headers come joined by commas, as several challenges in one are. A word before another word or before the end is a scheme.
  const token = /[!#$%&'*+.^_`|~0-9a-z-]+/iy;
  let at = 0;
  const skip = (): void => {
    while (at < text.length && /[\s,]/.test(text[at] ?? "")) at++;
  };
  for (skip(); at < text.length; skip()) {
    token.lastIndex = at;
    const word = token.exec(text)?.[0];
    if (word === undefined) {
      at++;
      continue;
    }
    at += word.length;
    const value = readValue(text, at);
    const current = challenges.at(-1);
    if (value === undefined) challenges.push({ scheme: word.toLowerCase(), parameters: {} });
    else {
      at = value.end;
      if (current !== undefined) current.parameters[word.toLowerCase()] ??= value.text;
    }
  }
  return challenges;
}

/** The value after a name, with `=` before it; undefined when there is none. */
function readValue(text: string, from: number): { readonly text: string; readonly end: number } | undefined {
  const quoted = /\s*=\s*"((?:[^"\\]|\\.)*)"?/y;
  quoted.lastIndex = from;
  const match = quoted.exec(text);
  if (match !== null) return { text: (match[1] ?? "").replace(/\\(.)/g, "$1"), end: quoted.lastIndex };
  const plain = /\s*=\s*([^\s,"]*)/y;
  plain.lastIndex = from;
  const bare = plain.exec(text);
  return bare === null ? undefined : { text: bare[1] ?? "", end: plain.lastIndex };
}
