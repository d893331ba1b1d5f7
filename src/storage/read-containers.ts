import { join } from "node:path";
import type { StoreArea } from "./area.ts";
import { type ContainerRecord, containerRecords } from "./container-record.ts";
import { readDatabaseFile } from "./database-file.ts";

/** All containers: those that last and those that a restart may take, which older tools do not see. */
export function readContainers(area: StoreArea, runroot: string): readonly ContainerRecord[] {
  const folders = [area.containers, join(runroot, `${area.driver}-containers`)];
  const names = ["containers.json", "volatile-containers.json"];
  const paths = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return paths.flatMap((path) =>
    containerRecords.parse(readDatabaseFile(path), path).map(({ values }) => values),
  );
}
