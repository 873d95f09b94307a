export * from "../../core/conformance/parse_context.ts";
