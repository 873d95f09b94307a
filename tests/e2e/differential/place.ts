import type { DifferentialCase } from "./case.ts";
import { type Base, commonFiles, fewFiles, webFiles } from "./common_files.ts";

/** Where the contexts and base images are. */
export interface Place {
  /**
   * `<base>.tar` are the images, `ctx-<case>` the contexts, `<case>.Dockerfile` what only strata reads, `secret-<case>-<id>` the
   * secrets, `web` the server's.
   */
  readonly directory: string;
  readonly bases: Readonly<Record<string, Base>>;
}

const here = import.meta.dirname ?? ".";

/** Writes the contexts and base images of the cases below a directory; `origin` is what `http://server` stands for. */
export async function preparePlace(
  directory: string,
  { cases, bases }: Pick<Place, "bases"> & { readonly cases: readonly DifferentialCase[] },
  origin: string,
): Promise<Place> {
  const addressed = (text: string): string => text.replaceAll("http://server", origin);
  const written = cases.map(({ name, dockerfile, plain, files, context }) =>
    [
      `ctx-${name}`,
      { Dockerfile: addressed(plain ?? dockerfile), ...(context === "few" ? fewFiles : commonFiles), ...files },
    ] as const
  );
  const contexts = { web: webFiles, ...Object.fromEntries(written) };
  await runPython("write_contexts.py", [], { directory, contexts, bases });
  for (const { name, dockerfile, plain, secrets = {} } of cases) {
    if (plain !== undefined) await Deno.writeTextFile(`${directory}/${name}.Dockerfile`, addressed(dockerfile));
    for (const [id, text] of Object.entries(secrets)) {
      await Deno.writeTextFile(`${directory}/secret-${name}-${id}`, text);
    }
  }
  return { directory, bases };
}

/** Runs a script of this folder on a JSON document; gives what it prints. */
export async function runPython(script: string, args: readonly string[], input: unknown): Promise<string> {
  const child = new Deno.Command("python3", {
    args: [`${here}/${script}`, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  await new Blob([JSON.stringify(input)]).stream().pipeTo(child.stdin);
  const { success, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${script}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
