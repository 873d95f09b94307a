import type {
  Call,
  Credential,
  Descriptor,
  Kit,
  Named,
  TransportHook,
  TransportSource,
} from "../../core/contract/mod.ts";

/** Members of a source whose names are all known, in bytewise order. */
export function namesOf(named: readonly Named[]): Pick<TransportSource, "names" | "list"> {
  return {
    async *names(prefix): AsyncIterable<Named> {
      for (const item of named) if (item.name.startsWith(prefix)) yield await Promise.resolve(item);
    },
    async *list(prefix): AsyncIterable<string> {
      for (const { name } of named) if (name.startsWith(prefix)) yield await Promise.resolve(name);
    },
  };
}

/** Members of a source whose form cannot say what is about what, and that nobody limits. */
export const plainSource: Pick<TransportSource, "referrers" | "quota"> = {
  async *referrers(): AsyncIterable<Descriptor> {},
  quota: () => undefined,
};

/** Nothing is taken over from another file: it is copied. */
export function mountNothing(): Promise<false> {
  return Promise.resolve(false);
}

/** Refuses to remove an image from what is written as a whole. */
export function refuseRemoval(path: string, name: string, kit: Kit): Promise<never> {
  return Promise.reject(
    kit.error("UNSUPPORTED", `Cannot remove "${name}" from "${path}": images of a file are not removed one by one`, {
      detail: { what: "remove" },
      hint: "Write the file again without the image",
    }),
  );
}

/** The login of a hook for files, which have none. */
export function refuseLogin(kit: Kit): TransportHook["login"] {
  return (host: string, _credential: Credential, _call: Call): Promise<never> =>
    Promise.reject(
      kit.error("UNSUPPORTED", `Cannot log in to "${host}": it is a file`, { detail: { what: "login" } }),
    );
}
