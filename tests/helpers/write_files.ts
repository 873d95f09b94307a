/** Writes text files below a directory, with the folders they need; `null` removes one. */
export async function writeFiles(directory: string, files: Readonly<Record<string, string | null>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const full = `${directory}/${path}`;
    if (text === null) {
      await Deno.remove(full);
      continue;
    }
    await Deno.mkdir(full.slice(0, full.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(full, text);
  }
}
