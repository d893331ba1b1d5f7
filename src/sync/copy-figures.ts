import type { CopyEvent } from "../copy/events.ts";
import type { SyncFigures } from "./events.ts";

/** Adds up what the events of one image's copy tell. */
export class CopyFigures {
  #moved = 0;
  #spared = 0;
  retries = 0;

  note(event: CopyEvent): void {
    switch (event.type) {
      case "blob-copied":
      case "config-copying":
        this.#moved += Math.max(0, event.size);
        break;
      case "blob-adopted":
        this.#spared += Math.max(0, event.size);
        break;
    }
  }

  after(ms: number): SyncFigures {
    return {
      bytesMoved: this.#moved,
      bytesSpared: this.#spared,
      ms: Math.round(ms),
      retries: this.retries,
    };
  }
}
