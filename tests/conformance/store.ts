/** The suite that plugin authors get as `strata/conformance`. */
export * from "../../core/conformance/store.ts";
