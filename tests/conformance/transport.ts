/** The suite that plugin authors get as `strata/conformance`. */
export * from "../../core/conformance/transport.ts";
