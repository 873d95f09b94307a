/** What goes over the wire: data, streams, entries with their content, items one by one, and objects whose methods stay where they are. */
export type Kind =
  | "data"
  | "stream"
  | "entry"
  | "list"
  | "entries"
  | "listBatch"
  | "entryBatch"
  | "call"
  | "content"
  | "marks"
  | "parseContext"
  | "layerContext"
  | "store"
  | "source"
  | "sink"
  | "lease";

/** How one method is called. */
export interface Method {
  /** Arguments in order. */
  readonly args: readonly Kind[];
  /** The result. */
  readonly gives: Kind;
}

/** Kinds of results that are used after the call has been answered, so that what was passed with it has to live on. */
export const lasting: ReadonlySet<Kind> = new Set<Kind>([
  "stream",
  "list",
  "entries",
  "store",
  "source",
  "sink",
  "lease",
]);

type Methods = Readonly<Record<string, Method>>;

function one(args: readonly Kind[], gives: Kind = "data"): Method {
  return { args, gives };
}

function each(args: readonly Kind[], gives: "list" | "entries" = "list"): Method {
  return { args, gives };
}

const dispose = one([]);

const reading: Methods = {
  names: each(["data", "call"]),
  resolve: one(["data", "call"]),
  open: one(["data", "call", "data"], "stream"),
};

const writing: Methods = {
  has: one(["data", "call"]),
  put: one(["data", "content", "call"]),
  tag: one(["data", "data", "call"]),
};

/** Interfaces of the contract as they go over the wire. Methods that answer at once are not among them. */
export const interfaces = {
  /** What the sandbox offers first. */
  sandbox: { load: one(["data"]), start: one(["data"]) },
  /** What strata offers first. */
  host: { credential: one(["data", "call"]) },
  parse: {
    matches: one(["data"]),
    parse: one(["data", "parseContext"]),
    outline: one(["data", "parseContext"]),
  },
  layer: { contentKey: one(["data", "layerContext"]), build: each(["data", "layerContext"], "entries") },
  storeHook: { open: one(["data", "call"], "store") },
  transport: {
    source: one(["data", "call"], "source"),
    sink: one(["data", "call"], "sink"),
    login: one(["data", "data", "call"]),
  },
  store: {
    ...reading,
    ...writing,
    ingest: one(["stream", "data", "call"]),
    blobs: each(["call"]),
    delete: one(["data", "call"]),
    untag: one(["data", "call"]),
    lease: one(["call"], "lease"),
    collect: each(["marks", "call"]),
    update: one(["data", "call"]),
    revision: one(["call"]),
    dispose,
  },
  source: {
    ...reading,
    list: each(["data", "call"]),
    referrers: each(["data", "call"]),
    dispose,
  },
  sink: {
    ...writing,
    mount: one(["data", "data", "call"]),
    remove: one(["data", "call"]),
    commit: one(["call"]),
    dispose,
  },
  lease: { dispose },
  list: { next: one([], "listBatch"), leave: one([]) },
  entries: { next: one([], "entryBatch"), leave: one([]) },
  content: { open: one(["data"], "stream") },
  marks: { mark: one([]) },
  tree: {
    digest: one(["data", "data", "call"]),
    resolve: one(["data", "call"]),
    stat: one(["data", "call"], "entry"),
    lstat: one(["data", "call"], "entry"),
    list: one(["data", "call"]),
    read: one(["data", "call"], "stream"),
    walk: each(["data", "data", "call"], "entries"),
  },
  parseContext: {
    base: one(["data", "data"]),
    contextFile: one(["data"]),
    siblingFile: one(["data"]),
    contextNames: one(["data"]),
    parseAs: one(["data", "data"]),
    outlineAs: one(["data", "data"]),
  },
  layerContext: {
    run: each(["data"], "entries"),
    recall: one(["data"]),
    ingest: one(["stream", "data"]),
    remember: one(["data", "data"]),
    open: one(["data", "data"], "stream"),
  },
} as const satisfies Readonly<Record<string, Methods>>;

/** Name of an interface. */
export type Interface = keyof typeof interfaces;
