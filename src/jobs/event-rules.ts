import type { JobEvent } from "./ledger.ts";

/** What is kept of an event: so many of its kind at least, and of one slot the last. */
export interface KeptEvent {
  readonly kind: keyof typeof kept;
  /** Events of one slot replace each other. */
  readonly slot: string | undefined;
}

/** How many events of a kind are kept; somewhat more between two clearings. */
export const kept = { state: 200, image: 2000, failure: 1000, blob: 500, message: 500 } as const;

/** After how many events of a job those beyond {@link kept} are removed. */
export const clearEvery = 64;

/** How an event is kept. What failed is kept apart, so that it is not lost among what went well. */
export function keptAs(event: JobEvent): KeptEvent {
  switch (event.type) {
    case "image": {
      const failed = event.state === "failed" || event.state === "refused";
      const slot = JSON.stringify([event.from, event.to]);
      return { kind: failed ? "failure" : "image", slot };
    }
    case "blob":
      return { kind: "blob", slot: JSON.stringify([event.image, event.digest]) };
    default:
      return { kind: event.type, slot: undefined };
  }
}
