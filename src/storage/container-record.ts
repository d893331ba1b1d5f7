import { goText } from "../core/go-scalars.ts";
import { always, goList, omitEmpty } from "../core/go-struct.ts";
import { RecordType } from "./record-type.ts";

/** A record of `containers.json` and `volatile-containers.json`, which are only read here. */
export const containerRecords = new RecordType("storage.Container", {
  id: always(goText),
  names: omitEmpty(goList(goText)),
  image: always(goText),
  layer: always(goText),
});

/** Which image and which layer a container stands on. */
export interface ContainerRecord {
  readonly id: string;
  readonly image: string;
  readonly layer: string;
}
