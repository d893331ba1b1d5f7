import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { StoreArea } from "./area.ts";
import { writing } from "./errors.ts";
import { InstanceFolder } from "./instance-folder.ts";
import type { LayerRecord } from "./layer-record.ts";
import type { StagedLayer } from "./store.ts";
import { stagingFolders } from "./tidy-store.ts";

/** The name that the Go library gives what it stages. */
const stagedName = "0-addition";

/** Two folders that go with us, one on the way to the trees, one on the way to the files of layers. */
export async function createStagedLayer(
  area: StoreArea,
  _parent: LayerRecord | undefined,
): Promise<StagedLayer> {
  const [trees, files] = stagingFolders(area);
  await using stack = new AsyncDisposableStack();
  const ofTree = stack.use(InstanceFolder.create(trees));
  const ofFile = stack.use(InstanceFolder.create(files));
  const folder = join(ofTree.path, stagedName);
  writing("mkdir", folder, () => mkdirSync(folder, { mode: 0o700 }));
  const held = stack.move();
  return {
    folder,
    tarSplit: join(ofFile.path, stagedName),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
