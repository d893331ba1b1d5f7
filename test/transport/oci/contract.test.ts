import { readdir } from "node:fs/promises";
import { createOciTransport } from "../../../src/transport/oci/transport.ts";
import { testTransport } from "../../contract/transport.ts";
import { tempFolder } from "../../support/temp.ts";

for (const shared of [false, true]) {
  testTransport({
    name: shared ? "oci: with shared blobs" : "oci:",
    absent: "layout.missing",
    images: "oci",
    async place() {
      const folder = await tempFolder();
      const sharedBlobDir = folder.in("shared");
      return {
        transport: createOciTransport(
          shared
            ? { sourceSharedBlobDir: sharedBlobDir, destinationSharedBlobDir: sharedBlobDir }
            : {},
        ),
        text: `${folder.in("layout")}:name`,
        async leftovers() {
          const names = await readdir(folder.path, { recursive: true });
          return names.filter((name) => name.includes(".amphora"));
        },
        [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
      };
    },
  });
}
