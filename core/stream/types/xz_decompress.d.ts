/** What is used of npm's `xz-decompress`, which declares an export that its CommonJS module does not have by name. */
declare const library: {
  readonly XzReadableStream: new (
    compressed: ReadableStream<Uint8Array<ArrayBuffer>>,
  ) => ReadableStream<Uint8Array<ArrayBuffer>>;
};
export default library;
