/** The parts of a path. */
export interface ParsedPath {
  root: string;
  dir: string;
  base: string;
  ext: string;
  name: string;
}
/** Last part of a path, without the suffix. */
export function basename(path: string | URL, suffix?: string): string;
/** All but the last part of a path. */
export function dirname(path: string | URL): string;
/** File extension with its dot. */
export function extname(path: string | URL): string;
/** Path of a `file:` URL. */
export function fromFileUrl(url: string | URL): string;
/** `file:` URL of a path. */
export function toFileUrl(path: string): URL;
/** Whether the path is absolute. */
export function isAbsolute(path: string): boolean;
/** Joins and normalizes. */
export function join(path?: string | URL, ...paths: string[]): string;
/** Resolves `.` and `..` and doubled separators. */
export function normalize(path: string | URL): string;
/** Splits a path. */
export function parse(path: string): ParsedPath;
/** Path from one place to another. */
export function relative(from: string, to: string): string;
/** Absolute path of a sequence of paths. */
export function resolve(...pathSegments: string[]): string;
