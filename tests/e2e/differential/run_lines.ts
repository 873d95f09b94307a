/** A Dockerfile of lines on the busybox base image. */
export function onBox(...lines: readonly string[]): string {
  return on("box", ...lines);
}

/** A Dockerfile of lines on another base image. */
export function on(base: string, ...lines: readonly string[]): string {
  return [`FROM localhost/${base}:1`, ...lines, ""].join("\n");
}
