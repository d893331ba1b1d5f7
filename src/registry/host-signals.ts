import type { HttpResponse } from "./http/contract.ts";
import type { RegistryHostOptions } from "./options.ts";
import { pullWaitMs, type RateLimit, readRateLimit } from "./rate-limit.ts";
import { readWarnings } from "./warning.ts";

/** What a registry tells in the headers of its answers, whatever was asked: warnings, and how many pulls are left. */
export class HostSignals {
  readonly #options: RegistryHostOptions;
  readonly #keptPulls: number;
  readonly #warned = new Set<string>();
  #rateLimit: RateLimit | undefined;

  constructor(options: RegistryHostOptions, keptPulls: number) {
    this.#options = options;
    this.#keptPulls = keptPulls;
  }

  /** Takes note of an answer; `url` is redacted. */
  hear(response: HttpResponse, url: string): void {
    const { clock, report, host } = this.#options;
    for (const text of readWarnings(response.headers("warning"))) {
      if (!this.#warned.has(text)) report({ host, type: "warning", text, url });
      this.#warned.add(text);
    }
    const rateLimit = readRateLimit((name) => response.header(name), clock.now());
    if (!rateLimit) return;
    this.#rateLimit = rateLimit;
    report({ host, type: "rate-limit", rateLimit });
  }

  /** Waits until one more pull leaves as many as are to be kept. */
  async waitToPull(signal: AbortSignal): Promise<void> {
    const { clock, report, host } = this.#options;
    const delayMs = pullWaitMs(this.#rateLimit, this.#keptPulls, clock.now());
    if (delayMs === 0) return;
    report({ host, type: "paused", delayMs });
    await clock.sleep(delayMs, signal);
    this.#rateLimit = undefined; // the next answer tells anew
  }
}
