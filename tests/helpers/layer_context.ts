export * from "../../core/conformance/layer_context.ts";
