import { readdir } from "node:fs/promises";
import { createOciArchiveTransport } from "../../../src/transport/oci-archive/transport.ts";
import { testTransport } from "../../contract/transport.ts";
import { tempFolder } from "../../support/temp.ts";

testTransport({
  name: "oci-archive:",
  absent: "layout.missing",
  images: "oci",
  async place() {
    const folder = await tempFolder();
    return {
      transport: createOciArchiveTransport({ clock: () => 0 }),
      text: `${folder.in("archive.tar")}:name`,
      async leftovers() {
        const names = await readdir(folder.path);
        return names.filter((name) => name !== "archive.tar");
      },
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  },
});
