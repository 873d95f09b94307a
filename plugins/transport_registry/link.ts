/** Address of the next page in a `Link` header (RFC 8288), as it stands there; undefined on the last page. */
export function nextLink(headers: Headers): string | undefined {
  const text = headers.get("link") ?? "";
  for (
    const [, target, parameters = ""] of text.matchAll(
      /<([^>]*)>((?:\s*;\s*[^\s=;,]+\s*(?:=\s*(?:"[^"]*"|[^\s;,]*))?)*)/g,
    )
  ) {
    const [, quoted, plain] = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))/i.exec(parameters) ?? [];
    if ((quoted ?? plain ?? "").toLowerCase().split(/\s+/).includes("next")) return target;
  }
  return undefined;
}
