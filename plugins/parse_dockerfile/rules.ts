/** A build check: what it is about and whether it has to be asked for. Names are BuildKit's. */
export interface Rule {
  /** One sentence. */
  readonly description: string;
  /** Page that explains it; absent when there is none. */
  readonly url?: string;
  /** Reported only when the file asks for it. */
  readonly isExperimental: boolean;
}

function rule(page: string, description: string): Rule {
  return { description, url: `https://docs.docker.com/go/dockerfile/rule/${page}/`, isExperimental: false };
}

/** Every build check by name. */
export const rules = {
  StageNameCasing: rule("stage-name-casing", "A stage name is written in lower case"),
  FromAsCasing: rule("from-as-casing", "The keywords FROM and AS of one line are written in the same case"),
  NoEmptyContinuation: rule("no-empty-continuation", "A continued instruction has no empty lines in it"),
  ConsistentInstructionCasing: rule(
    "consistent-instruction-casing",
    "All instructions of a file are written in the same case, upper or lower",
  ),
  DuplicateStageName: rule("duplicate-stage-name", "Each stage has a name of its own"),
  ReservedStageName: rule("reserved-stage-name", "A stage is not named as something that has a meaning already"),
  JSONArgsRecommended: rule(
    "json-args-recommended",
    "CMD and ENTRYPOINT are JSON arrays, so that signals reach the program and not a shell",
  ),
  MaintainerDeprecated: rule("maintainer-deprecated", "The author is given by a label and not by MAINTAINER"),
  UndefinedArgInFrom: rule("undefined-arg-in-from", "FROM uses only arguments that are declared before it"),
  WorkdirRelativePath: rule(
    "workdir-relative-path",
    "The first WORKDIR is absolute, so that it does not depend on the base image",
  ),
  UndefinedVar: rule("undefined-var", "A variable is declared before it is used"),
  MultipleInstructionsDisallowed: rule(
    "multiple-instructions-disallowed",
    "CMD, ENTRYPOINT and HEALTHCHECK stand once in a stage, because only the last one counts",
  ),
  LegacyKeyValueFormat: rule("legacy-key-value-format", "ENV and LABEL are written with an equals sign"),
  InvalidBaseImagePlatform: {
    description: "A base image has the platform that is built for",
    isExperimental: false,
  },
  RedundantTargetPlatform: rule(
    "redundant-target-platform",
    "FROM is not told to use the target platform, which it uses anyway",
  ),
  SecretsUsedInArgOrEnv: rule("secrets-used-in-arg-or-env", "ARG and ENV hold no secrets, because images show them"),
  InvalidDefaultArgInFrom: rule(
    "invalid-default-arg-in-from",
    "The defaults of the global arguments give every FROM a usable image name",
  ),
  FromPlatformFlagConstDisallowed: rule(
    "from-platform-flag-const-disallowed",
    "FROM --platform takes its value from an argument, so that other platforms can be built",
  ),
  CopyIgnoredFile: rule("copy-ignored-file", "COPY and ADD name no files that .dockerignore leaves out"),
  InvalidDefinitionDescription: {
    ...rule(
      "invalid-definition-description",
      "A comment directly above FROM or ARG describes it and starts with the name of the stage or argument",
    ),
    isExperimental: true,
  },
  ExposeProtoCasing: rule("expose-proto-casing", "The protocol in EXPOSE is written in lower case"),
  ExposeInvalidFormat: rule(
    "expose-invalid-format",
    "EXPOSE names ports of the container only, no address and no host port",
  ),
} satisfies Readonly<Record<string, Rule>>;

/** Name of a build check. */
export type RuleName = keyof typeof rules;
