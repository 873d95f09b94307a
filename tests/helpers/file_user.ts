/** Whether {@linkcode asFileUser} can take root's rights over files away: it needs root, Linux and FFI. */
export function canDropFileRights(): boolean {
  return Deno.build.os === "linux" && Deno.uid() === 0 &&
    Deno.permissions.querySync({ name: "ffi" }).state === "granted";
}

/**
 * Makes this thread act as another user where files are concerned, until it is disposed: root loses the right to read, write and make
 * what only root may (setfsuid(2)). Covers synchronous calls only, which run on this thread.
 */
export function asFileUser(uid: number): Disposable {
  const libc = Deno.dlopen("libc.so.6", { setfsuid: { parameters: ["u32"], result: "i32" } });
  libc.symbols.setfsuid(uid);
  return {
    [Symbol.dispose](): void {
      libc.symbols.setfsuid(0);
      libc.close();
    },
  };
}
