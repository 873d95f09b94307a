/**
 * What is not in the `Deno` of a sandbox: ways around the wire, programs, questions to the user, strata's standard streams. The rest is
 * governed by permissions, and Node's modules need it.
 */
const takenOfDeno: ReadonlySet<string> = new Set([
  "ChildProcess",
  "Command",
  "Permissions",
  "PermissionStatus",
  "UnsafeCallback",
  "UnsafeFnPointer",
  "UnsafePointer",
  "UnsafePointerView",
  "addSignalListener",
  "bench",
  "consoleSize",
  "dlopen",
  "exit",
  "internal",
  "isatty",
  "kill",
  "lint",
  "mainModule",
  "permissions",
  "Process",
  "removeSignalListener",
  "run",
  "spawn",
  "spawnAndWait",
  "spawnAndWaitSync",
  "stderr",
  "stdin",
  "stdout",
  "telemetry",
  "test",
]);

/** Globals that reach around the wire, other threads, or files that no permission names. */
const taken = [
  "BroadcastChannel",
  "SharedWorker",
  "Worker",
  "caches",
  "close",
  "importScripts",
  "localStorage",
  "name",
  "onerror",
  "onmessage",
  "onmessageerror",
  "postMessage",
  "sessionStorage",
];

/** What a sandboxed plugin finds in `process`: what libraries look at, and nothing that loads modules, signals or ends. */
const processMembers = [
  "arch",
  "cwd",
  "emit",
  "emitWarning",
  "env",
  "hrtime",
  "memoryUsage",
  "nextTick",
  "off",
  "on",
  "once",
  "platform",
  "release",
  "removeListener",
  "uptime",
  "version",
  "versions",
];

/** What a plugin prints with `console`. */
export type Print = (text: string) => void;

/**
 * Takes from this thread what a plugin must not have: code made from text, which could import what its file does not show; other
 * threads, the wire, strata's standard streams. For good; called before a plugin is loaded.
 */
export function confine(print: Print): void {
  forbidCodeFromText();
  hideDeno();
  hideProcess();
  for (const name of taken) {
    for (let holder: object | null = globalThis; holder !== null; holder = Object.getPrototypeOf(holder)) {
      if (Object.hasOwn(holder, name)) Reflect.deleteProperty(holder, name);
    }
  }
  replaceConsole(print);
}

/** No `eval`, no `Function`, no timers with text: modules are then loaded by what the file says only, and that was checked. */
function forbidCodeFromText(): void {
  // deno-lint-ignore explicit-function-return-type
  const kinds = [function () {}, async function () {}, function* () {}, async function* () {}];
  for (const kind of kinds) {
    const prototype: object = Object.getPrototypeOf(kind);
    const refuse = function (): never {
      throw new EvalError("Cannot make code from text in a plugin");
    };
    Object.defineProperty(refuse, "prototype", { value: prototype, writable: false });
    Object.defineProperty(prototype, "constructor", { value: refuse, writable: false, configurable: false });
    if (prototype === Function.prototype) replaceGlobal("Function", refuse);
  }
  replaceGlobal("eval", (): never => {
    throw new EvalError("Cannot make code from text in a plugin");
  });
  for (const name of ["setTimeout", "setInterval", "setImmediate"]) {
    const timer: unknown = Reflect.get(globalThis, name);
    if (typeof timer !== "function") continue;
    replaceGlobal(name, (work: unknown, ...rest: unknown[]): unknown => {
      if (typeof work !== "function") throw new TypeError(`Cannot start ${name}(): its first argument is no function`);
      return Reflect.apply(timer, globalThis, [work, ...rest]);
    });
  }
}

function hideDeno(): void {
  const kept = Object.entries(Object.getOwnPropertyDescriptors(Deno)).filter(([name]) => !takenOfDeno.has(name));
  const told = { args: [], cwd: (): string => "/", execPath: (): string => "/deno", pid: 1, ppid: 0 };
  const shown = Object.defineProperties({}, Object.fromEntries(kept));
  for (const [name, value] of Object.entries(told)) Object.defineProperty(shown, name, { value, writable: false });
  replaceGlobal("Deno", shown);
}

/** Node's `process` is large, so it is looked at when a plugin asks for it. */
function hideProcess(): void {
  const found = Object.getOwnPropertyDescriptor(globalThis, "process");
  let shown: object | undefined;
  const show = (): object => {
    const whole: object = Object(found?.get === undefined ? found?.value : Reflect.apply(found.get, globalThis, []));
    const members = processMembers.map((name): [string, unknown] => {
      const member: unknown = Reflect.get(whole, name);
      return [name, typeof member === "function" ? member.bind(whole) : member];
    });
    return { ...Object.fromEntries(members), argv: [], execArgv: [] };
  };
  Object.defineProperty(globalThis, "process", { get: () => shown ??= show(), configurable: false });
}

function replaceConsole(print: Print): void {
  const show = (...values: unknown[]): void => {
    print(values.map((value) => typeof value === "string" ? value : Deno.inspect(value)).join(" "));
  };
  const names = ["debug", "dir", "error", "info", "log", "trace", "warn"];
  const ignored = [
    "assert",
    "clear",
    "count",
    "countReset",
    "group",
    "groupEnd",
    "table",
    "time",
    "timeEnd",
    "timeLog",
  ];
  replaceGlobal("console", {
    ...Object.fromEntries(ignored.map((name) => [name, (): void => {}])),
    ...Object.fromEntries(names.map((name) => [name, show])),
  });
}

function replaceGlobal(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: false, configurable: false, enumerable: false });
}
