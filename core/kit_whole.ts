/**
 * Loads at once what the kit loads when it is first used: where modules cannot be loaded later, because whoever asks may read no
 * file.
 */
import "./stream/bzip2.ts";
import "./stream/compression.ts";
import "./stream/gzip.ts";
import "./stream/xz.ts";
import "./stream/zstd.ts";
import "./tar/read.ts";
import "./tar/write.ts";
