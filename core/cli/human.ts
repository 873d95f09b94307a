const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/** Bytes as docker shows them: decimal units, three significant digits, e.g. `1.23MB`, `0B`. */
export function humanSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // From here on three digits would round to a thousand.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? bytes : Number(value.toPrecision(3))}${units[unit]}`;
}

/** Time between two moments as docker shows it, e.g. `About an hour`, `3 weeks`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.round(seconds / 3600);
  if (seconds < 1) return "Less than a second";
  if (seconds < 60) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  if (minutes < 60) return minutes === 1 ? "About a minute" : `${minutes} minutes`;
  if (hours < 48) return hours === 1 ? "About an hour" : `${hours} hours`;
  const days = Math.floor(hours / 24);
  if (hours < 24 * 7 * 2) return `${days} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(days / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(days / 30)} months`;
  return `${Math.floor(days / 365)} years`;
}

/** How long ago a moment was, e.g. `2 hours ago`; `N/A` when it is unknown. */
export function humanAge(moment: Date | undefined, now: Date): string {
  return moment === undefined ? "N/A" : `${humanDuration(now.getTime() - moment.getTime())} ago`;
}

/** A moment as Go prints it, in UTC: `2024-05-01 10:00:00 +0000 UTC`; `N/A` when it is unknown. */
export function goTime(moment: Date | undefined): string {
  return moment === undefined ? "N/A" : `${moment.toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}

/** The first 12 hex digits of a digest. */
export function shortId(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1).slice(0, 12);
}
