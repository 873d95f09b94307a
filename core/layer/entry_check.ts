import type { LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { escapeText } from "../tar/field.ts";
import { isNormalized } from "../tar/name.ts";
import { hasMarkedPart } from "./whiteout.ts";

/** Checks that entries come as the contract says: normalized paths, each at most once, parents before children. */
export class EntryCheck {
  readonly #types = new Map<string, LayerEntry["type"] | "implied">();
  readonly #marks = new Set<string>();

  /** Checks the next entry. Throws `INVALID_ARGUMENT`. */
  add(entry: LayerEntry): void {
    const { path } = entry;
    if (!isNormalized(path)) throw refused(entry, "its path is not a normalized relative one");
    if (hasMarkedPart(path)) throw refused(entry, "names that begin with .wh. are kept for whiteouts");
    this.#checkParents(entry);
    if (entry.type === "whiteout" || entry.type === "opaque") {
      if (entry.type === "whiteout" && path === ".") throw refused(entry, "the root cannot be hidden");
      const key = `${entry.type}:${path}`;
      if (this.#marks.has(key)) throw refused(entry, `it is ${entry.type} twice`);
      this.#marks.add(key);
      return;
    }
    const before = this.#types.get(path);
    if (before === "implied") throw refused(entry, "it comes after what is below it");
    if (before !== undefined) throw refused(entry, "it comes twice");
    if (entry.type === "hardlink") this.#checkTarget(entry);
    this.#types.set(path, entry.type);
  }

  #checkParents(entry: LayerEntry): void {
    let slash = entry.path.lastIndexOf("/");
    while (slash > 0) {
      const parent = entry.path.slice(0, slash);
      const type = this.#types.get(parent);
      if (type === "directory" || type === "implied") return;
      if (type !== undefined) throw refused(entry, `"${escapeText(parent)}" is a ${type} of the same layer`);
      if (entry.type === "whiteout" || entry.type === "opaque") return;
      this.#types.set(parent, "implied");
      slash = parent.lastIndexOf("/");
    }
  }

  #checkTarget(entry: LayerEntry & { readonly type: "hardlink" }): void {
    const target = this.#types.get(entry.target);
    if (target !== undefined && target !== "directory" && target !== "implied") return;
    throw refused(entry, `it is a hard link to "${escapeText(entry.target)}", which is no earlier file of the layer`);
  }
}

function refused(entry: LayerEntry, state: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot pack layer entry "${escapeText(entry.path)}": ${state}`, {
    detail: { field: "entry", value: entry.path },
  });
}
