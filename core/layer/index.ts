export { fileBytes, type IndexEntry, type LayerIndex } from "./layer_index.ts";
export { decodeLayerIndex, encodeLayerIndex } from "./index_codec.ts";
export { indexArchive, type IndexedLayer, indexLayer } from "./index_layer.ts";
