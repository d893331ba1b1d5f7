import { readdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import type { Transport } from "../../../src/transport/contract/transport.ts";
import { createOciArchiveTransport } from "../../../src/transport/oci-archive/transport.ts";
import { testTransport } from "../../contract/transport.ts";
import { tempFolder } from "../../support/temp.ts";

const packers = {
  "as it is": undefined,
  "read packed": (bytes: Buffer) => gzipSync(bytes, { level: 1 }),
} as const;

for (const [how, pack] of Object.entries(packers)) {
  testTransport({
    name: `oci-archive: ${how}`,
    absent: "layout.missing",
    images: "oci",
    async place() {
      const folder = await tempFolder();
      const transport = createOciArchiveTransport({ clock: () => 0 });
      return {
        transport: pack ? readingPacked(transport, pack) : transport,
        text: `${folder.in("archive.tar")}:name`,
        async leftovers() {
          const names = await readdir(folder.path);
          return names.filter((name) => !/^archive[.]tar(?:[.]packed)?$/.test(name));
        },
        [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
      };
    },
  });
}

/** The transport, but that archives are packed before they are read. */
function readingPacked(transport: Transport, pack: (bytes: Buffer) => Buffer): Transport {
  return {
    ...transport,
    async openSource(reference, options) {
      const path = reference.text.slice(0, -":name".length);
      const plain = await readFile(path).catch(() => undefined);
      if (!plain) return await transport.openSource(reference, options);
      await writeFile(`${path}.packed`, pack(plain));
      const packed = await transport.resolve(`${path}.packed:name`, "source", options);
      return await transport.openSource(packed, options);
    },
  };
}
