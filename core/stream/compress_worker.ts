/** A thread that compresses blocks; started by compress.ts. */
import { type BlockOrder, compressBlock, type CompressedBlock } from "./compress_block.ts";
import { serve } from "./worker_side.ts";

serve<BlockOrder, CompressedBlock>((order) => {
  const output = compressBlock(order);
  return { output, transfer: [output.bytes.buffer, output.buffer] };
});
