import type { Engine } from "../engine.ts";
import type { PluginPermissions, Provides } from "../host/plugin_entry.ts";

/** A plugin as it is listed. */
export interface PluginRow {
  /** Its name. */
  readonly name: string;
  /** Keys of its hooks. */
  readonly provides: Required<Provides>;
  /** Path or `npm:package@version`; undefined for one that is part of strata. */
  readonly source: string | undefined;
  /** What it may do in its sandbox; empty for one that has none. */
  readonly permissions: PluginPermissions;
  /** Whether it runs inside strata. */
  readonly isTrusted: boolean;
  /** sha256 of its file; undefined for one that is part of strata. */
  readonly sha256: string | undefined;
}

/** The plugins of an engine in their order, those that are part of strata first. */
export function listPlugins({ host, config }: Pick<Engine, "host" | "config">): readonly PluginRow[] {
  return host.plugins.map(({ name, provides }) => {
    const file = config.plugins.find((each) => each.name === name);
    return {
      name,
      provides,
      source: file?.path,
      permissions: file?.permissions ?? {},
      isTrusted: file?.isTrusted ?? true,
      sha256: file?.sha256,
    };
  });
}
