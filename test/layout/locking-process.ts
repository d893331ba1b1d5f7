import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lockFolder } from "../../src/layout/folder-lock.ts";
import { identifyProcess } from "../../src/layout/owner.ts";

// A process that takes a folder's lock: so many times, adding one to a number each time, or once and for ever.
const [folder = "", times = ""] = process.argv.slice(2);
const self = await identifyProcess();
const { signal } = new AbortController();

if (times === "hold") {
  await using _lock = await lockFolder(folder, { self, signal });
  process.send?.("held");
  await sleep(60_000);
}
for (let left = Number(times); left > 0; left--) {
  await using _lock = await lockFolder(folder, { self, signal });
  const file = join(folder, "number");
  const number = Number(await readFile(file, "utf8"));
  await writeFile(file, String(number + 1));
}
