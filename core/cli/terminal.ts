/** Where a command writes and reads; tests give their own. */
export interface Terminal {
  /** Whether standard output is a terminal. */
  readonly isStdoutTerminal: boolean;
  /** Whether standard error is a terminal. */
  readonly isStderrTerminal: boolean;
  /** Whether questions can be asked. */
  readonly isStdinTerminal: boolean;
  /** Whether colours are wanted. */
  readonly hasColor: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
  /** Lines of the terminal; 24 where there is none. */
  readonly rows: number;
  /** Writes text to standard output, as it is. Throws `OS_FAILED` when that cannot be done. */
  out(text: string): void;
  /** Writes text to standard error, as it is. */
  err(text: string): void;
  /** Bytes of standard input; a read fails when the command is aborted. */
  readonly stdin: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Standard output as bytes. */
  readonly stdout: WritableStream<Uint8Array<ArrayBuffer>>;
  /** Asks on standard error and gives the answer; undefined at the end of input. Rejects when the command is aborted. */
  ask(question: string): Promise<string | undefined>;
  /** As `ask`, and what is typed is not shown. */
  askSecret(question: string): Promise<string | undefined>;
}
