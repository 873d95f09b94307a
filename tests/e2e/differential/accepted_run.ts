import type { AcceptedDifference } from "./accepted_difference.ts";

const builders: readonly AcceptedDifference[] = [
  {
    peers: ["buildah"],
    field: /config Hostname/,
    strata: /null/,
    reason: "buildah leaves the random name of its working container in the config, so that no two builds are equal.",
  },
  {
    peers: ["classic"],
    field: /config Image/,
    strata: /null/,
    reason: "Docker's old builder keeps the ID of the parent image in the config; BuildKit and strata do not.",
  },
  {
    peers: ["classic", "buildah"],
    field: /commands/,
    reason:
      "The older builders write the text of the history otherwise: ARGs in order of their names, lists as they stand.",
  },
  {
    peers: ["buildah"],
    field: /layer \d+ names/,
    reason:
      "buildah marks folders as opaque where strata and BuildKit name what is gone, and puts mount points into layers.",
  },
  {
    peers: ["buildah"],
    cases: ["user-owns", "mount-secret-relative"],
    field: /layers/,
    reason: "buildah makes no layer for WORKDIR.",
  },
  {
    peers: ["classic"],
    cases: ["net-files-written"],
    field: /layer 2 names|layers/,
    peer: /null|1/,
    reason: "Docker's old builder makes no layer of a command that changed nothing; BuildKit and strata do.",
  },
  {
    peers: ["buildah"],
    cases: ["scratch-static"],
    field: /config WorkingDir/,
    strata: /"\/"/,
    peer: /null/,
    reason: "On scratch BuildKit and strata write the working directory that counts anyway; buildah leaves it out.",
  },
];

const mountPoints: readonly AcceptedDifference[] = [
  {
    peers: ["buildkit", "buildah"],
    field: /file (dev|etc|proc|sys|run(\/(resolve|secrets))?) type/,
    strata: /null/,
    peer: /"directory"/,
    reason: "Folders that something was mounted on stay in the peers' images; strata takes away those that it made.",
  },
  {
    peers: ["buildah"],
    field: /file (etc\/(hosts|hostname|resolv\.conf)|run\/resolve\/stub-resolv\.conf) type/,
    strata: /null/,
    peer: /"file"/,
    reason: "Files that something was mounted on stay in buildah's images; strata takes away those that it made.",
  },
  {
    peers: ["buildah"],
    field: /file (run|etc|root|data) folderTime/,
    peer: /made/,
    reason: "buildah makes files and folders to mount on in them, and does not give them back their times.",
  },
  {
    peers: ["buildkit"],
    field: /file (c|ctx|ctx\/in|data\/\.cache|data\/here|data\/here\/it|data\/in|etc\/in|tmp\/ctx|x|x\/y|x\/y\/z) type/,
    strata: /null/,
    peer: /"directory"/,
    reason:
      "This version of BuildKit leaves the mount points of --mount in the image; later ones remove them, as strata does.",
  },
  {
    peers: ["buildkit"],
    field: /file (in|whole|cache|cache\/kept|one|two|three|p|l|s|scratch) type/,
    strata: /null/,
    peer: /"directory"/,
    reason:
      "This version of BuildKit leaves the mount points of --mount in the image; later ones remove them, as strata does.",
  },
  {
    peers: ["buildkit"],
    cases: ["mount-bind-target-by-link", "mount-bind-in-tmp", "mount-cache-relative"],
    field: /file (data|tmp) folderTime/,
    peer: /made/,
    reason:
      "This version of BuildKit leaves the mount point in it; strata takes it away and gives the folder its time back.",
  },
  {
    peers: ["buildah"],
    cases: ["bare-list"],
    field: /file list (content|size)/,
    reason: "buildah makes /run in every container, for a file that tells of it.",
  },
  {
    peers: ["buildah"],
    cases: ["mount-secret-next-step"],
    field: /file out (content|size)/,
    strata: /""|0/,
    reason: "buildah leaves the folder of the secret, and a file that tells of its container.",
  },
  {
    peers: ["buildah"],
    cases: ["mount-secret-relative"],
    field: /file (in|data\/out) \w+/,
    reason:
      "BuildKit takes a relative target as below the working directory, and so does strata; buildah as below the root.",
  },
  {
    peers: ["buildah"],
    cases: ["mount-secret-over-file"],
    field: /file data\/keep\.txt type/,
    strata: /"file"/,
    peer: /null/,
    reason: "buildah removes what a secret was mounted over.",
  },
];

const layers: readonly AcceptedDifference[] = [
  {
    peers: ["buildkit"],
    cases: [
      "file-create-and-delete",
      "file-folder-time",
      "file-hardlink-broken",
      "file-touch",
      "odd-attributes",
    ],
    field: /file (data(\/sub)?|deep\/1|links|tmp|var|var\/tmp) folderTime/,
    peer: /1\d+/,
    reason: "Without overlays Docker does not note that a folder changed in nothing but its time; with them it does.",
  },
  {
    peers: ["buildkit"],
    cases: ["file-rename-folder-and-back"],
    field: /layer 2 names/,
    strata: /\["data\/sub\/link"\]/,
    peer: /\[\]/,
    reason: "An overlay does not rename a folder of a lower layer: mv copies it, and gives links a new time.",
  },
  {
    peers: ["buildkit"],
    cases: ["file-same-time-and-size", "file-xattrs"],
    field: /layer 2 names|file data\/keep\.txt content/,
    reason:
      "Without overlays Docker takes a file of the same time and size as unchanged; strata compares what is in it.",
  },
  {
    peers: ["buildkit"],
    cases: ["file-touch-far"],
    field: /file data\/old\.txt mtime|layer 3 names/,
    reason: "Docker writes a time before 1970 as 0, and finds the file changed again in the next layer.",
  },
  {
    peers: ["buildkit"],
    cases: ["file-xattrs", "file-xattrs-removed", "file-xattrs-kept"],
    field: /file (data(\/keep\.txt)?|a|noted) xattrs/,
    peer: /null/,
    reason: "Docker writes no attribute but security.capability into layers; buildah keeps them all, as strata does.",
  },
  {
    peers: ["buildkit", "buildah"],
    cases: ["file-names-bytes"],
    field: /outcome/,
    peer: /builds/,
    reason: "The format of layers has names in UTF-8; the peers write other ones without saying so.",
  },
  {
    peers: ["buildkit"],
    cases: ["file-whiteout-name"],
    field: /outcome/,
    peer: /builds/,
    reason: "BuildKit writes the file into the layer, where it removes another one from the image.",
  },
  {
    peers: ["buildkit"],
    cases: ["user-owns", "net-files-own"],
    field: /file (home\/app|etc) folderTime/,
    peer: /made/,
    reason:
      "WORKDIR and COPY leave the time of the folder above what they make, so that a layer depends on its inputs alone.",
  },
  {
    peers: ["buildah"],
    cases: ["user-owns"],
    field: /file home\/app folderTime/,
    peer: /made/,
    reason:
      "WORKDIR and COPY leave the time of the folder above what they make, so that a layer depends on its inputs alone.",
  },
];

const hardlinks: readonly AcceptedDifference[] = [
  {
    peers: ["buildkit"],
    cases: ["file-hardlink-to-lower"],
    field: /layer 2 names|file .* links/,
    reason:
      "A new name of a file of a lower layer must come with its old ones, or they are apart; BuildKit loses that.",
  },
  {
    peers: ["buildkit", "buildah"],
    cases: ["file-hardlink-one-more"],
    field: /layer 2 names|file .* links/,
    reason:
      "A new name of a file of a lower layer must come with its old ones, or they are apart; the peers lose that.",
  },
  {
    peers: ["buildkit"],
    cases: ["file-hardlink-broken", "file-hardlink-broken-then-written"],
    field: /layer 2 names|file links\/(a|b|other\/c) links/,
    reason: "A name that became an equal file of its own is apart from the others; BuildKit's images do not say so.",
  },
  {
    peers: ["buildkit"],
    cases: ["file-hardlink-across", "file-hardlink-made-then-written"],
    field: /layer \d names/,
    reason:
      "A new name of a file of a lower layer must come with its old ones, or they are apart; the peers lose that.",
  },
  {
    peers: ["buildkit", "buildah"],
    cases: ["file-hardlink-rename"],
    field: /layer 2 names|file (links\/b|links\/moved|other\/c) links/,
    reason:
      "An overlay does not rename a folder of a lower layer: mv copies it, and so parts files with several names.",
  },
  {
    peers: ["buildah"],
    cases: [
      "file-hardlink-across",
      "file-hardlink-chmod",
      "file-hardlink-made-then-written",
      "file-hardlink-write",
      "file-setcap-kept",
    ],
    field: /file (links\/(a|b|other\/c)|[bcd]|data\/(keep\.txt|copy)|linked|moved) (links|mode|content|size|mtime)/,
    reason:
      "On buildah's overlays a change by one name of a file does not show by its others; BuildKit's does, as strata's.",
  },
];

const worlds: readonly AcceptedDifference[] = [
  {
    peers: ["buildkit"],
    cases: ["scratch-static", "user-none"],
    field: /file (d\/id|tmp\/who) (content|size)/,
    reason:
      "Without USER this version of BuildKit gives root no groups; later ones and Docker give it those of the image.",
  },
  {
    peers: ["buildkit", "buildah"],
    cases: ["user-homeless"],
    field: /file tmp\/who (content|size)/,
    reason: "Who has an empty home in the image gets the HOME that everybody without one gets: the root.",
  },
  {
    peers: ["classic"],
    cases: ["user-of-base"],
    field: /file not(\/there(\/yet)?)? [ug]id/,
    peer: /0/,
    reason: "BuildKit gives a working directory that it makes to the user, as strata does; the old builder to root.",
  },
  {
    peers: ["buildkit"],
    cases: ["env-and-arg"],
    field: /commands|file two content/,
    strata: /.*A=env.*/,
    peer: /.*A=arg.*/,
    reason: "The reference says that ENV always overrides ARG; in BuildKit an ARG further down wins over it.",
  },
  {
    peers: ["buildkit"],
    cases: ["env-arg-of-stage"],
    field: /commands/,
    reason: "Arguments of the stage below hold in a stage; this version of BuildKit leaves them out of the history.",
  },
];

/** Every difference of commands that stays, from what Debian 12 has: Docker 20.10, with the BuildKit in it, and buildah 1.28. */
export const acceptedRun: readonly AcceptedDifference[] = [
  ...builders,
  ...mountPoints,
  ...layers,
  ...hardlinks,
  ...worlds,
];
