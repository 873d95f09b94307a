/** What of the layers below a layer does not show through it. */
export class HiddenPaths {
  readonly #whole = new Set<string>();
  readonly #below = new Set<string>();

  /** Hides what is at a path and all that is below it. */
  addPath(path: string): void {
    this.#whole.add(path);
  }

  /** Hides all that is in a directory, `.` for the root. */
  addBelow(path: string): void {
    this.#below.add(path);
  }

  /** Whether the path itself was hidden. */
  hasPath(path: string): boolean {
    return this.#whole.has(path);
  }

  /** Whether all that is in a directory was hidden. */
  hasBelow(path: string): boolean {
    return this.#below.has(path);
  }

  /** Whether nothing at a path shows, because it or something above it is hidden. */
  covers(path: string): boolean {
    if (this.#whole.size === 0 && this.#below.size === 0) return false;
    if (this.#whole.has(path) || this.#below.has(".")) return true;
    for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
      const folder = path.slice(0, slash);
      if (this.#whole.has(folder) || this.#below.has(folder)) return true;
    }
    return false;
  }
}
