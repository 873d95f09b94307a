const symbolic = /^[augo]*(?:[-+=][rwxXstugo]*)+(?:,[augo]*(?:[-+=][rwxXstugo]*)+)*$/;

/** Whether a text is a file mode as `--chmod` takes it: octal up to 7777, or symbolic as chmod(1) has it. */
export function isFileMode(text: string): boolean {
  if (/^\d/.test(text)) return /^0*[0-7]{1,4}$/.test(text);
  return symbolic.test(text);
}
