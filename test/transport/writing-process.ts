import { createDirTransport } from "../../src/transport/dir/transport.ts";
import { createOciTransport } from "../../src/transport/oci/transport.ts";
import { watchFiles } from "../layout/faulty-files.ts";
import { makeImage } from "../support/images.ts";
import { writeTo } from "./small-copy.ts";

// A process that writes one image, and kills itself ahead of its nth call that changes files; without an nth it says
// how many calls there were. `writing-process.ts oci|dir TEXT SEED [NTH]`
const [kind, text = "", seed = "", nth] = process.argv.slice(2);
const transport = kind === "oci" ? createOciTransport() : createDirTransport();
const image = makeImage({ seed: Number(seed), type: "oci", layers: 2, layerBytes: 100_000 });
const deadly = nth === undefined ? -1 : Number(nth);

using watched = await watchFiles((call) => {
  if (call === deadly) process.kill(process.pid, "SIGKILL");
});
await writeTo(transport, text, image);
process.send?.(watched.calls.length);
