import { findProgram } from "./find_program.ts";

/** What a plugin may do, by Deno's names: nothing of a kind, all of it, or what is listed. */
export type Grants = Readonly<Partial<Record<"env" | "net" | "read" | "sys" | "write", boolean | readonly string[]>>>;

/** A program that runs a plugin. */
export interface PluginProgram {
  /** Path of the program, and its arguments. */
  readonly command: readonly [path: string, ...args: readonly string[]];
  /** Files and folders of the host that it needs beside libraries. */
  readonly files: readonly string[];
  /** Most bytes of memory that it may take for itself, where the system can tell; left out when it bounds itself. */
  readonly maxBytes?: number;
}

/** What a process for a plugin is made of. */
export interface ProcessOptions {
  /** What is run. */
  readonly program: PluginProgram;
  /** What it may do. */
  readonly grants: Grants;
  /** Variables that it sees. */
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that tell Deno where its cache is; not used inside bubblewrap, where it has one of its own. */
  readonly cache: Readonly<Record<string, string>>;
  /** Path of bubblewrap; left out to run without. */
  readonly bubblewrap?: string;
}

/** A process that runs one plugin. */
export interface RunningPlugin {
  /** Takes bytes for its standard input. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** What it writes. */
  readonly output: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Resolves when it has ended, with what is known of the reason. */
  readonly ended: Promise<string>;
  /** Ends it at once. */
  end(): Promise<void>;
}

/** Most memory of a plugin for its objects, in MiB; what its bytes take is not counted. */
const maxHeapMiB = 512;

/** Most memory of a compiled strata that runs a plugin: 1.2 GiB are asked for before there is one (measured on Deno 2.9.6). */
const maxOwnBytes = 2 * 1024 ** 3;

/** Path of bubblewrap; undefined where there is none. */
export function findBubblewrap(): string | undefined {
  return Deno.build.os === "linux" ? findProgram("bwrap") : undefined;
}

/** Deno on a module of a folder, with nothing but what it is granted. */
export function denoProgram(folder: string, main: string, grants: Grants): PluginProgram {
  const deno = Deno.realPathSync(Deno.execPath());
  return { command: [deno, ...denoArgs(main, grants)], files: [deno, folder] };
}

/**
 * This program itself with other arguments: what a compiled strata has, which is no Deno that could run a module. The bounds of its
 * objects were chosen when it was compiled, so the system bounds its memory.
 */
export function ownProgram(args: readonly string[]): PluginProgram {
  const self = Deno.realPathSync(Deno.execPath());
  return { command: [self, ...args], files: [self], maxBytes: maxOwnBytes };
}

/**
 * Starts a program for a plugin. Inside bubblewrap it has only the files and the network that are granted; without, it has to see to
 * its grants itself. Throws what Deno throws when no process can be started.
 */
export function startPluginProcess(options: ProcessOptions): RunningPlugin {
  const { program, bubblewrap, environment } = options;
  const cache = bubblewrap === undefined ? options.cache : { DENO_DIR: "/tmp/deno" };
  const inside = bubblewrap === undefined ? [] : [bubblewrap, ...bubblewrapArgs(options), "--"];
  const [path = "", ...args] = [...boundsOf(program), ...inside, ...program.command];
  const child = new Deno.Command(path, {
    args,
    clearEnv: true,
    // Not as arguments of bubblewrap, which everybody on the machine may read.
    env: { ...environment, ...cache, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const tail = readTail(child.stderr);
  const ended = child.status.then(async ({ code, signal }) => {
    const said = (await tail).trim();
    return `its process ended with ${signal ?? `code ${code}`}${said === "" ? "" : `: ${said}`}`;
  });
  return {
    write: (bytes) => writer.write(bytes),
    output: child.stdout,
    ended,
    async end(): Promise<void> {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      writer.abort().catch(() => {});
      await child.status;
    },
  };
}

/** The program that bounds another one's memory. */
function boundsOf({ maxBytes }: PluginProgram): readonly string[] {
  const prlimit = maxBytes === undefined || Deno.build.os !== "linux" ? undefined : findProgram("prlimit");
  return prlimit === undefined ? [] : [prlimit, `--data=${maxBytes}`];
}

function denoArgs(main: string, grants: Grants): string[] {
  const flags = Object.entries(grants).flatMap(([kind, granted]) => {
    if (granted === true) return [`--allow-${kind}`];
    if (granted === false || granted.length === 0) return [];
    return [`--allow-${kind}=${granted.map((each) => each.replaceAll(",", ",,")).join(",")}`];
  });
  const closed = ["--no-prompt", "--no-remote", "--no-npm", "--cached-only", "--no-config", "--no-lock", "--no-check"];
  const engine = `--v8-flags=--disallow-code-generation-from-strings,--max-old-space-size=${maxHeapMiB}`;
  return ["run", "--quiet", ...closed, engine, ...flags, main];
}

/** Files of the host that a program and its requests need. */
const libraries = ["/usr/lib", "/lib", "/lib64", "/nix/store", "/etc/ld.so.cache"];
const network = [
  "/etc/resolv.conf",
  "/etc/hosts",
  "/etc/nsswitch.conf",
  "/etc/ssl",
  "/etc/ca-certificates",
  "/usr/share/ca-certificates",
  "/etc/pki",
];

function bubblewrapArgs({ program, grants }: ProcessOptions): string[] {
  const bind = (kind: "ro-bind-try" | "bind-try", paths: readonly string[]): string[] =>
    paths.flatMap((path) => [`--${kind}`, path, path]);
  const hasNet = listed(grants.net).length > 0;
  const [readable, writable] = [listed(grants.read).map(existing), listed(grants.write).map(existing)];
  return [
    "--unshare-all",
    ...(hasNet ? ["--share-net"] : []),
    "--die-with-parent",
    "--new-session",
    ...["--cap-drop", "ALL"],
    ...bind("ro-bind-try", readable.filter(isRoot)),
    ...bind("bind-try", writable.filter(isRoot)),
    ...["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"],
    ...bind("ro-bind-try", [...libraries, ...(hasNet ? network : [])]),
    ...bind("ro-bind-try", readable.filter((path) => !isRoot(path))),
    ...bind("bind-try", writable.filter((path) => !isRoot(path))),
    ...bind("ro-bind-try", program.files),
    // What is written where nothing was given would be lost, so it cannot be.
    ...(writable.some(isRoot) ? [] : ["--remount-ro", "/"]),
    ...["--chdir", "/"],
  ];
}

function listed(granted: boolean | readonly string[] | undefined): readonly string[] {
  if (granted === true) return ["/"];
  return granted === false || granted === undefined ? [] : granted;
}

function isRoot(path: string): boolean {
  return path === "/";
}

/** The path, or the closest folder above it that is there, in which it may be made; Deno lets only the path itself be used. */
function existing(path: string): string {
  for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
    try {
      Deno.statSync(at);
      return at;
    } catch {
      continue;
    }
  }
  return "/";
}

/** The end of what a process writes to standard error. */
async function readTail(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const decoder = new TextDecoder();
  let tail = "";
  for await (const bytes of stream) tail = (tail + decoder.decode(bytes, { stream: true })).slice(-1000);
  return tail;
}
