/** Runs work when its turn comes; rejects as the work does. */
export type Limit = <T>(work: () => Promise<T>) => Promise<T>;

/** A gate that lets at most `most` pieces of work run at once, in the order they came. */
export function createLimit(most: number): Limit {
  let free = Math.max(1, most);
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
