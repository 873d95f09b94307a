import type { CommandEntry } from "./command.ts";

/** Every command, in the order help shows them. */
export const commands: readonly CommandEntry[] = [
  {
    name: "build",
    aliases: ["image build", "buildx build", "builder build"],
    summary: "Build an image from a Dockerfile",
    load: () => import("./command/build.ts"),
  },
  {
    name: "image ls",
    aliases: ["images", "image list"],
    summary: "List images",
    load: () => import("./command/image_ls.ts"),
  },
  {
    name: "image rm",
    aliases: ["rmi", "image remove"],
    summary: "Remove images",
    load: () => import("./command/image_rm.ts"),
  },
  {
    name: "image pull",
    aliases: ["pull"],
    summary: "Fetch images from registries",
    load: () => import("./command/image_pull.ts"),
  },
  { name: "image prune", aliases: [], summary: "Remove unused images", load: () => import("./command/image_prune.ts") },
  {
    name: "image history",
    aliases: ["history"],
    summary: "Show the layers of an image with their times",
    load: () => import("./command/image_history.ts"),
  },
  {
    name: "image inspect",
    aliases: ["inspect"],
    summary: "Show images as JSON",
    load: () => import("./command/image_inspect.ts"),
  },
  {
    name: "image tag",
    aliases: ["tag"],
    summary: "Give an image another name",
    load: () => import("./command/image_tag.ts"),
  },
  {
    name: "image untag",
    aliases: ["untag"],
    summary: "Take names away from images",
    load: () => import("./command/image_untag.ts"),
  },
  {
    name: "image save",
    aliases: ["save"],
    summary: "Write images to an archive",
    load: () => import("./command/image_save.ts"),
  },
  {
    name: "image load",
    aliases: ["load"],
    summary: "Read images from an archive",
    load: () => import("./command/image_load.ts"),
  },
  {
    name: "image import",
    aliases: ["import"],
    summary: "Make an image of a tar of files",
    load: () => import("./command/image_import.ts"),
  },
  {
    name: "image diff",
    aliases: [],
    summary: "Show what differs between two images",
    load: () => import("./command/image_diff.ts"),
  },
  {
    name: "image tree",
    aliases: [],
    summary: "Show the files of each layer",
    load: () => import("./command/image_tree.ts"),
  },
  {
    name: "cache ls",
    aliases: ["cache list"],
    summary: "List the build cache",
    load: () => import("./command/cache_ls.ts"),
  },
  {
    name: "cache prune",
    aliases: ["builder prune", "buildx prune"],
    summary: "Remove the build cache",
    load: () => import("./command/cache_prune.ts"),
  },
  {
    name: "cache export",
    aliases: [],
    summary: "Write cache mounts to an archive",
    load: () => import("./command/cache_export.ts"),
  },
  {
    name: "cache import",
    aliases: [],
    summary: "Read cache mounts from an archive",
    load: () => import("./command/cache_import.ts"),
  },
  { name: "system df", aliases: [], summary: "Show what takes space", load: () => import("./command/system_df.ts") },
  {
    name: "system reset",
    aliases: [],
    summary: "Remove all images and the build cache",
    load: () => import("./command/system_reset.ts"),
  },
  {
    name: "info",
    aliases: ["system info"],
    summary: "Show the store and what this machine offers",
    load: () => import("./command/info.ts"),
  },
  { name: "version", aliases: [], summary: "Show versions", load: () => import("./command/version.ts") },
  {
    name: "completion",
    aliases: [],
    summary: "Print a completion script for bash, zsh or fish",
    load: () => import("./command/completion.ts"),
  },
  { name: "help", aliases: [], summary: "Show help for a command", load: () => import("./command/help.ts") },
];
