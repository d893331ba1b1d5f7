import type { Judgement } from "./judgement.ts";

/** Whether a judgement still stands. */
export type Stands = (judgement: Judgement) => boolean;

/** Judgements at hand, by what they are about; one that is being made is waited for, not made twice. */
export interface DecisionCache {
  /** Undefined where there is none that stands. No I/O. */
  get(key: string, stands: Stands): Judgement | undefined;
  /** @param make is not called where `flight` is under way already */
  make(key: string, flight: string, make: () => Promise<Judgement>): Promise<Judgement>;
  clear(): void;
}

/** @param maxKept of them the oldest go first */
export function createDecisionCache(maxKept = 20_000): DecisionCache {
  const kept = new Map<string, Judgement>();
  const flights = new Map<string, Promise<Judgement>>();
  return {
    get(key, stands) {
      const judgement = kept.get(key);
      if (!judgement) return undefined;
      if (stands(judgement)) return judgement;
      kept.delete(key);
      return undefined;
    },
    make(key, flight, make) {
      const under = flights.get(flight);
      if (under) return under;
      const made = make()
        .then((judgement) => {
          keep(kept, key, judgement, maxKept);
          return judgement;
        })
        .finally(() => flights.delete(flight));
      flights.set(flight, made);
      return made;
    },
    clear: () => kept.clear(),
  };
}

function keep(kept: Map<string, Judgement>, key: string, judgement: Judgement, max: number): void {
  kept.delete(key);
  kept.set(key, judgement);
  const [oldest] = kept.keys();
  if (kept.size > max && oldest !== undefined) kept.delete(oldest);
}
