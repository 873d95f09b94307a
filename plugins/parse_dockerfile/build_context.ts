/** The name under which `--build-context` has something, for a name in the file; undefined when it has not. */
export function buildContextOf(name: string, contexts: readonly string[]): string | undefined {
  if (name === "scratch" || name === "context") return undefined;
  const wanted = familiarName(name);
  return contexts.find((context) => context === name) ?? contexts.find((context) => familiarName(context) === wanted);
}

/** `docker.io/library/alpine:latest` and `alpine` name the same context. */
function familiarName(name: string): string {
  const [, bare = name] = /^(?:docker\.io\/)?(?:library\/)?(.+)$/.exec(name.toLowerCase()) ?? [];
  return bare.replace(/:latest$/, "");
}
