import { FolderStore } from "../../../sigstore/lookaside/folder-store.ts";
import { fakeSignature, signal, subject } from "./support.ts";

// A process of its own that adds signatures to a folder: FOLDER NAME COUNT.
const [folder = "", name = "", count = "1"] = process.argv.slice(2);
for (let number = 1; number <= Number(count); number++) {
  await new FolderStore(folder).append(subject, [fakeSignature(`${name}.${number}`)], { signal });
}
