/** An address without user, password, query and fragment, which may hold secrets. */
export function showUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** What went wrong as the network says it, without addresses. */
export function reasonOf(error: unknown): string {
  let deepest = error;
  for (let depth = 0; depth < 8 && deepest instanceof Error && deepest.cause instanceof Error; depth++) {
    deepest = deepest.cause;
  }
  const text = deepest instanceof Error ? deepest.message : "";
  const parts = text.replace(/\s*\(?\b[a-z][a-z0-9+.-]*:\/\/\S*/gi, "").split(": ");
  return printable(parts.slice(-2).join(": "), 200) || "no reason given";
}

/** Text of another machine on one line and cut to a length in characters. */
export function printable(text: string, maxLength: number): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\s]+/g, " ").trim().slice(0, maxLength);
}
