/** A text without the passwords and tokens of the URLs in it. */
export function redactUrls(text: string): string {
  return replaceLogins(text, () => "***");
}

/** A line of a build file as it is shown: passwords and tokens of URLs are starred out, and every column stays where it is. */
export function maskUrls(line: string): string {
  return replaceLogins(line, (login) => "*".repeat(login.length));
}

/** Replaces all that stands before the host of an http URL, and what follows the user's name in any other URL. */
function replaceLogins(text: string, replace: (login: string) => string): string {
  return text.replace(/(?<=https?:\/\/)[^/?#\s]*(?=@)/gi, replace)
    .replace(/(?<=[a-z][a-z0-9+.-]*:\/\/[^/?#:@\s]*:)[^/?#\s]*(?=@)/gi, replace);
}
