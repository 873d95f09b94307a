/** What all of the work gives, in order. Rejects with the first failure, in that order, once none of it is going on any more. */
export async function settleAll<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}
