/** Names of Linux signals without `SIG`; of the real-time ones the first and the last. */
export const signalNames: readonly string[] =
  ("ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP " +
    "TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX").split(" ");

/** Whether a text names a signal: a number other than 0, or a Linux name in any case with or without `SIG` (moby/sys, signal). */
export function isSignal(text: string): boolean {
  if (/^[+-]?\d+$/.test(text)) return Number(text) !== 0;
  const name = text.toUpperCase().replace(/^SIG/, "");
  const [, base = name, sign, offset] = /^(RTMIN|RTMAX)([+-])([1-9]\d?)$/.exec(name) ?? [];
  if (sign === undefined) return signalNames.includes(name);
  return base === "RTMIN" ? sign === "+" && Number(offset) <= 15 : sign === "-" && Number(offset) <= 14;
}
