/**
 * The same Dockerfiles built by strata and by other builders: what the images hold and how they are configured is equal, but for the
 * differences that differential/accepted.ts lists with their reasons.
 */
import { peers } from "../helpers/require.ts";
import { accepted } from "./differential/accepted.ts";
import { baseImages } from "./differential/common_files.ts";
import { declareDifferentialTests } from "./differential/declare_tests.ts";
import { suites } from "./differential/suites.ts";

declareDifferentialTests({
  suites,
  bases: () => baseImages(Deno.build.arch === "aarch64" ? "arm64" : "amd64"),
  accepted,
  // What a layer has to change, the builders see differently where nothing is run; the result counts.
  ignored: /^(commands|layer .* names|file .* folderTime|file \/ .*)$/,
  buildah: { storageDriver: "vfs", flags: ["--isolation", "chroot", "--layers=false"] },
  needs: [peers.unshare, peers.zstd],
});
