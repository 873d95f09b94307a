/** What an image holds, as read_images.py reads it. */
export interface ImageFacts {
  readonly config: Readonly<Record<string, unknown>>;
  readonly platform: string;
  readonly author: string;
  /** Number of layers. */
  readonly layers: number;
  /** Number of history entries that have a layer. */
  readonly history: number;
  /** What RUN ran, as the history has it. */
  readonly commands: readonly string[];
  /** Of each layer what it has besides folders, by path, whiteouts included. */
  readonly names: readonly (readonly string[])[];
  /** Files by path; the root is `/`. */
  readonly files: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** What building a case came to: an image, or the reason why there is none. */
export type Outcome = { readonly image: ImageFacts } | { readonly failure: string };

/** One thing in which two builders differ. */
export interface Difference {
  /** `outcome`, `layers`, `author`, `commands`, `config <field>`, `layer <number> names`, `file <path> <fact>`. */
  readonly field: string;
  /** What strata gives, as JSON; what is absent is null. */
  readonly strata: string;
  /** What the peer gives, as JSON. */
  readonly peer: string;
}

/** How outcomes are compared. */
export interface Comparison {
  /** When the builds began, in seconds. */
  readonly started: number;
  /** Whether both built the same Dockerfile, so that their layers and commands can be compared. */
  readonly isSameFile: boolean;
  /** Fields that are not compared. */
  readonly ignored?: RegExp | undefined;
}

/**
 * Everything in which an image differs from a peer's, by field. Absent, null, false, zero, empty texts, lists and objects
 * count as one in a config. A file's time that is 0 or not before `started` counts as made by the build.
 */
export function compareOutcomes(
  strata: Outcome,
  peer: Outcome,
  { started, isSameFile, ignored }: Comparison,
): readonly Difference[] {
  if ("failure" in strata || "failure" in peer) {
    const [ours, theirs] = [strata, peer].map((outcome) => "failure" in outcome ? "fails" : "builds");
    return ours === theirs ? [] : [{ field: "outcome", strata: `${ours}`, peer: `${theirs}` }];
  }
  const [ours, theirs] = [flatten(strata.image, started), flatten(peer.image, started)];
  const fields = [...new Set([...ours.keys(), ...theirs.keys()])].sort();
  return fields
    .filter((field) => isInBoth(field, ours, theirs) && (isSameFile || !/^(layers|layer .*|commands)$/.test(field)))
    .filter((field) => ignored?.test(field) !== true)
    .map((field) => ({ field, strata: ours.get(field) ?? "null", peer: theirs.get(field) ?? "null" }))
    .filter((difference) => difference.strata !== difference.peer);
}

/** Whether a fact of a file is worth telling: the file is in both images. */
function isInBoth(field: string, ours: ReadonlyMap<string, string>, theirs: ReadonlyMap<string, string>): boolean {
  const path = /^(file .*) \w+$/s.exec(field)?.[1];
  return path === undefined || field.endsWith(" type") || (ours.has(`${path} type`) && theirs.has(`${path} type`));
}

function flatten(image: ImageFacts, started: number): Map<string, string> {
  const { config, files, author, layers, history, platform, commands, names } = image;
  const facts = new Map([["platform", platform], ["author", JSON.stringify(author)], ["layers", `${layers}`]]);
  facts.set("commands", JSON.stringify(commands));
  names.forEach((each, index) => facts.set(`layer ${index + 1} names`, JSON.stringify(each)));
  if (layers !== history) facts.set("history", `${history} entries with a layer for ${layers} layers`);
  for (const [field, value] of Object.entries(config)) {
    if (!isEmpty(value)) facts.set(`config ${field}`, canonical(value));
  }
  for (const [path, entry] of Object.entries(files)) {
    for (const [fact, value] of Object.entries(entry)) {
      const isOwnTime = /^(mtime|folderTime)$/.test(fact) && (value === 0 || Number(value) >= started);
      facts.set(`file ${path} ${fact}`, isOwnTime ? "made" : canonical(value));
    }
  }
  return facts;
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return !value;
  return Object.keys(value).length === 0;
}

function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, inner) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
        : inner,
  );
}
