import type { BaseImage, Kit, ParseContext, Platform, SourceFile, SourceRange } from "../../core/contract/mod.ts";
import type { Dockerfile } from "./ast.ts";
import type { Checks } from "./checks.ts";
import type { Globals } from "./globals.ts";
import type { GraphBuilder } from "./graph.ts";
import type { Lowered } from "./stage_state.ts";
import type { Stage } from "./stages.ts";

/** Everything that belongs to one run over a build file. */
export interface Session {
  readonly kit: Kit;
  readonly context: ParseContext;
  readonly source: SourceFile;
  readonly file: Dockerfile;
  readonly checks: Checks;
  readonly graph: GraphBuilder;
  readonly globals: Globals;
  readonly stages: readonly Stage[];
  /** Lowers a stage, once. */
  lower(stage: Stage): Promise<Lowered>;
  /** What is known of a base image; undefined when base images are not looked up. */
  base(reference: string, wanted: BaseRequest): Promise<BaseImage | undefined>;
  /** Patterns of the build context's ignore file, read once. */
  ignorePatterns(): Promise<readonly string[]>;
}

/** For what and where a base image is wanted. */
export interface BaseRequest {
  readonly platform: Platform;
  readonly at: SourceRange;
  /** Keyword of the instruction, in upper case. */
  readonly instruction: string;
}
