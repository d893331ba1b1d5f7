import { mkdir, readdir } from "node:fs/promises";
import { createDirTransport } from "../../../src/transport/dir/transport.ts";
import { testTransport } from "../../contract/transport.ts";
import { tempFolder } from "../../support/temp.ts";

for (const exists of [false, true]) {
  testTransport({
    name: exists ? "dir: in a folder that is there" : "dir:",
    absent: "layout.missing",
    images: "docker",
    async place() {
      const folder = await tempFolder();
      if (exists) await mkdir(folder.in("image"));
      return {
        transport: createDirTransport(),
        text: folder.in("image"),
        async leftovers() {
          const names = await readdir(folder.path, { recursive: true });
          return names.filter((name) => name.includes(".amphora"));
        },
        [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
      };
    },
  });
}
