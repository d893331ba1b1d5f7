import { readFileSync } from "node:fs";
import { join } from "node:path";
import { goInt, goText } from "../core/go-scalars.ts";
import { always } from "../core/go-struct.ts";
import type { StoreArea } from "./area.ts";
import { readDatabaseFile } from "./database-file.ts";
import { unless } from "./errors.ts";
import { RecordType } from "./record-type.ts";

const mountRecords = new RecordType("storage.layerMountPoint", {
  id: always(goText),
  path: always(goText),
  count: always(goInt),
});

/**
 * Which of these layers are mounted: as the tools have noted, and as this process sees it, since after a crash the notes may be
 * wrong. The notes change under the lock of the layers only, which is to be held.
 */
export function mountedLayers(
  area: StoreArea,
  runroot: string,
  ids: Iterable<string>,
): readonly string[] {
  const path = join(runroot, `${area.driver}-layers`, "mountpoints.json");
  const noted = mountRecords.parse(readDatabaseFile(path), path);
  const counted = noted.filter(({ values }) => values.count > 0n);
  const known = new Set(counted.map(({ values }) => values.id));
  const points = mountPoints();
  const isBelow = (id: string) => {
    const folder = area.layerFolder(id);
    return points.some((point) => point === folder || point.startsWith(`${folder}/`));
  };
  return [...ids].filter((id) => known.has(id) || isBelow(id));
}

/** proc(5): the fifth field, in which spaces and the like are written as octal numbers. */
function mountPoints(): readonly string[] {
  const text = unless(["ENOENT", "EACCES"], () => readFileSync("/proc/self/mountinfo", "utf8"));
  const octal = (_: string, digits: string) => String.fromCharCode(Number.parseInt(digits, 8));
  return (text ?? "")
    .split("\n")
    .map((line) => (line.split(" ")[4] ?? "").replace(/\\(\d{3})/g, octal));
}
