import type { AcceptedDifference } from "./accepted_difference.ts";

const wholeConfig: readonly AcceptedDifference[] = [
  {
    peers: ["buildah"],
    field: /config Hostname/,
    strata: /null/,
    reason: "buildah leaves the random name of its working container in the config, so that no two builds are equal.",
  },
  {
    peers: ["classic", "buildah"],
    field: /config WorkingDir/,
    strata: /"\/"/,
    peer: /null/,
    reason: "On scratch BuildKit and strata write the working directory that counts anyway; these two leave it out.",
  },
  {
    peers: ["buildkit"],
    field: /config ArgsEscaped/,
    strata: /null/,
    peer: /true/,
    reason: "BuildKit sets it with every CMD; it is deprecated and means something on Windows only.",
  },
  {
    peers: ["buildkit"],
    cases: ["env-beats-arg"],
    field: /config Labels/,
    strata: /\{"a":"env"\}/,
    peer: /\{"a":"given"\}/,
    reason: "The reference says that ENV always overrides ARG; in BuildKit an ARG further down wins over it.",
  },
  {
    peers: ["buildkit"],
    cases: ["health-start-interval"],
    field: /outcome/,
    peer: /fails/,
    reason: "--start-interval came with Docker 25.",
  },
  {
    peers: ["buildkit"],
    cases: ["case-of-stages"],
    field: /outcome/,
    peer: /fails/,
    reason:
      "Names of stages have no case; this version of BuildKit forgets that in FROM, later ones and Docker's old builder do not.",
  },
  {
    peers: ["buildkit"],
    cases: ["stage-target-number"],
    field: /outcome/,
    peer: /fails/,
    reason:
      "A stage can be named by its number, as buildah and COPY --from allow; BuildKit's --target takes names only.",
  },
];

const wholeLayer: readonly AcceptedDifference[] = [
  {
    peers: ["buildah"],
    field: /layers/,
    reason: "buildah makes one layer of all instructions, and it does so when they change no file.",
  },
  {
    peers: ["classic", "buildkit"],
    field: /file .*xattr\.txt xattrs|file .*\bx\.txt xattrs/,
    strata: /\{"user\.note":"[a-z ]+"\}/,
    peer: /null/,
    reason: "Docker writes no attribute but security.capability into layers; buildah keeps them all, as strata does.",
  },
  {
    peers: ["classic"],
    field: /file all\/xattr\/capable xattrs/,
    peer: /null/,
    reason:
      "The classic builder gives every file an owner after it was copied, for which the kernel takes capabilities.",
  },
  {
    peers: ["classic"],
    field: /file all\/bits\/s[ug]id mode/,
    strata: /"0o[24]755"/,
    peer: /"0o755"/,
    reason:
      "The classic builder gives every file an owner after it was copied, for which the kernel clears these bits.",
  },
  {
    peers: ["buildah"],
    field: /file (.*\/s[ug]id|one) mode/,
    strata: /"0o[24]755"/,
    peer: /"0o755"/,
    reason:
      "buildah clears set-user and set-group bits of files from the context; BuildKit keeps them, as strata does.",
  },
  {
    peers: ["buildah"],
    field: /file .*\/fraction\.txt mtime/,
    strata: /1234567890/,
    peer: /1234567891/,
    reason: "buildah rounds times to the nearest second; BuildKit cuts them, as strata does.",
  },
];

const copies: readonly AcceptedDifference[] = [
  {
    peers: ["buildkit", "buildah"],
    cases: ["copy-dest-slash-dot"],
    field: /file fresh(\/b\.txt)? \w+/,
    reason:
      "A destination that ends in /. is a folder, as later versions of BuildKit have it, also where it is missing.",
  },
  {
    peers: ["buildah"],
    cases: ["copy-file-over-folder-within", "copy-folder-over-file-within", "folder-over-link"],
    field: /outcome/,
    peer: /builds/,
    reason: "buildah removes what is in the way and is of another type; BuildKit refuses, as strata does.",
  },
  {
    peers: ["buildkit", "buildah"],
    cases: ["copy-two-to-name"],
    field: /outcome/,
    peer: /builds/,
    reason:
      "The reference wants a slash at the end for several sources; without it BuildKit keeps only the last of them.",
  },
  {
    peers: ["buildah"],
    cases: ["copy-wildcard-none"],
    field: /outcome/,
    peer: /fails/,
    reason: "A wildcard that matches nothing copies nothing in BuildKit and strata; buildah wants a match.",
  },
  {
    peers: ["buildah"],
    cases: ["copy-wildcard-inside", "copy-bracket-name", "copy-hidden"],
    field: /file (in|n)\/(\[b\]|b)\.txt type/,
    reason: "buildah reads the name of a file that a wildcard matched as a pattern once more, so [b].txt gives b.txt.",
  },
  {
    peers: ["buildah"],
    cases: ["copy-wildcard-inside"],
    field: /file in\/one\.txt (mtime|content|size)/,
    reason: "Of two matches with one name buildah keeps the first; with BuildKit and strata the later one is on top.",
  },
  {
    peers: ["buildah"],
    cases: ["link-dest-file"],
    field: /file (data\/keep\.txt|flink) \w+/,
    reason: "buildah puts the file in place of a link at the destination; BuildKit follows the link, as strata does.",
  },
  {
    peers: ["buildah"],
    cases: ["link-dest-dangling"],
    field: /file nowhere\/yet(\/a\.txt)? \w+/,
    reason: "buildah takes a dangling link for a folder; BuildKit makes the file it points to, as strata does.",
  },
  {
    peers: ["buildkit"],
    cases: ["copy-all", "fifo"],
    field: /file (all\/pipe|p)\/fifo type/,
    strata: /"fifo"/,
    peer: /null/,
    reason: "This version of BuildKit leaves out pipes; later ones and buildah copy them, as strata does.",
  },
  {
    peers: ["buildkit"],
    cases: ["stage-copy-devices"],
    field: /file dev\/(null|sda|pipe) \w+/,
    reason: "This version of BuildKit makes empty files of devices; later ones and buildah copy them, as strata does.",
  },
];

const owners: readonly AcceptedDifference[] = [
  {
    peers: ["buildkit"],
    cases: ["chown-unknown-user"],
    field: /outcome/,
    peer: /builds/,
    reason: "The reference says that an unknown name fails the build; BuildKit takes root instead, without a word.",
  },
  {
    peers: ["buildkit"],
    cases: ["chmod-bad"],
    field: /outcome/,
    peer: /builds/,
    reason: "This version of BuildKit takes a malformed mode for none; later ones refuse it.",
  },
  {
    peers: ["buildkit"],
    cases: ["chmod-file", "chmod-and-chown"],
    field: /file (y|x\/a\.txt) mode/,
    strata: /"0o4(711|750)"/,
    peer: /"0o(711|750)"/,
    reason:
      "This version of BuildKit drops the set-user bit of --chmod; later ones and buildah set it, as strata does.",
  },
  {
    peers: ["buildkit", "buildah"],
    cases: ["chmod-made-parents", "chmod-and-chown", "fetch-chmod"],
    field: /file (made|made\/here|x) mode/,
    peer: /"0o755"/,
    reason: "Folders made for the destination take an octal --chmod in later versions of BuildKit, as in strata.",
  },
  {
    peers: ["buildkit"],
    cases: ["fetch-chmod"],
    field: /file x\/file\.txt mode/,
    strata: /"0o644"/,
    peer: /"0o600"/,
    reason: "This version of BuildKit does not apply --chmod to downloads; later ones and buildah do.",
  },
];

const archives: readonly AcceptedDifference[] = [
  {
    peers: ["buildkit"],
    cases: ["add-zstd"],
    field: /file x\/.* type/,
    reason: "This version of BuildKit knows no zstd; later ones and buildah unpack it.",
  },
  {
    peers: ["buildkit", "buildah"],
    cases: ["add-archive-chown"],
    field: /file x\/.* [ug]id/,
    strata: /1001|50/,
    reason: "In later versions of BuildKit --chown holds for what an archive has too, as in strata.",
  },
  {
    peers: ["buildah"],
    cases: ["add-archive-dot"],
    field: /file x (mode|uid|gid)/,
    reason: "buildah gives the destination what the archive says of its own root; BuildKit leaves it, as strata does.",
  },
  {
    peers: ["buildkit", "buildah"],
    cases: ["add-archive-climbs"],
    field: /outcome/,
    peer: /builds/,
    reason: "A name that leads out of the archive is an attack or a mistake; the peers cut it off at the destination.",
  },
  {
    peers: ["buildkit", "buildah"],
    cases: ["add-archive-with-whiteout"],
    field: /outcome/,
    peer: /builds/,
    reason: "The peers write the name into the layer, where it removes another file from the image.",
  },
];

const ignores: readonly AcceptedDifference[] = [
  {
    peers: ["classic", "buildah"],
    cases: ["ignore-negation", "ignore-all-but"],
    field: /file all\/dir mode/,
    strata: /"0o750"/,
    peer: /"0o755"/,
    reason: "The folder of a file that comes back is made anew by these two; strata takes it as it is in the context.",
  },
  {
    peers: ["classic"],
    cases: ["ignore-beside-dockerfile"],
    field: /file all\/[ab]\.txt type/,
    reason: "A .dockerignore beside the Dockerfile is known to BuildKit and buildah only.",
  },
];

/** Every difference that stays, from what Debian 12 has: Docker 20.10, with the BuildKit in it, and buildah 1.28. */
export const accepted: readonly AcceptedDifference[] = [
  ...wholeConfig,
  ...wholeLayer,
  ...copies,
  ...owners,
  ...archives,
  ...ignores,
];
