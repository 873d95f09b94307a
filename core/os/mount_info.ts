/**
 * Options of the mount that an absolute path without symlinks is on, from the text of `/proc/self/mountinfo` (proc(5)); undefined when
 * it is on none.
 */
export function readMountOptions(path: string, mountInfo: string): readonly string[] | undefined {
  let best: { readonly point: string; readonly options: string } | undefined;
  for (const line of mountInfo.split("\n")) {
    const [, , , , point, options] = line.split(" ");
    if (point === undefined || options === undefined) continue;
    const decoded = decodePath(point);
    // The last of several on the same point is the one on top.
    if (isWithin(path, decoded) && decoded.length >= (best?.point.length ?? 0)) best = { point: decoded, options };
  }
  return best?.options.split(",");
}

function decodePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

function isWithin(path: string, folder: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}
