/** Removes control groups of these names that peers made at the top of a hierarchy and have nothing in any more. */
export function removeControlGroups(...names: readonly string[]): void {
  const top = "/sys/fs/cgroup";
  // Version 2 has one hierarchy, version 1 one below each folder.
  for (const folder of [top, ...foldersIn(top)]) {
    for (const name of names) removeEmpty(`${folder}/${name}`);
  }
}

/** A folder of control groups can be removed when none in it holds a process; the files in it are no obstacle. */
function removeEmpty(group: string): void {
  for (const inner of foldersIn(group)) removeEmpty(inner);
  try {
    Deno.removeSync(group);
  } catch {
    // It is not there, or somebody else's daemon still uses it.
  }
}

function foldersIn(folder: string): readonly string[] {
  try {
    return [...Deno.readDirSync(folder)].filter((entry) => entry.isDirectory).map(({ name }) => `${folder}/${name}`);
  } catch {
    return [];
  }
}
