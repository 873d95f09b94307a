export * from "../../core/conformance/memory_tree.ts";
