/** As `worker_main.ts`, for a plugin that reads or writes archives: once it runs, nothing can be loaded for it. */
import "../../kit_whole.ts";
import "./worker_main.ts";
