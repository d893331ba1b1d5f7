import type { HttpResponse } from "./http/contract.ts";
import type { RegistryHostOptions } from "./options.ts";
import { PullGate } from "./pull-gate.ts";
import { readRateLimit } from "./rate-limit.ts";
import { readWarnings } from "./warning.ts";

/** What a registry tells in the headers of its answers, whatever was asked: warnings, and how many pulls are left. */
export class HostSignals {
  readonly pulls: PullGate;
  readonly #options: RegistryHostOptions;
  readonly #warned = new Set<string>();

  constructor(options: RegistryHostOptions, keptPulls: number) {
    this.#options = options;
    this.pulls = new PullGate({ ...options, kept: keptPulls });
  }

  /** Takes note of an answer to a {@link PullGate.sending}; `url` is redacted. */
  hear(response: HttpResponse, url: string, request: number): void {
    const { clock, report, host } = this.#options;
    for (const text of readWarnings(response.headers("warning"))) {
      if (!this.#warned.has(text)) report({ host, type: "warning", text, url });
      this.#warned.add(text);
    }
    const rateLimit = readRateLimit((name) => response.header(name), clock.now());
    if (!rateLimit) return;
    this.pulls.hear(rateLimit, request);
    report({ host, type: "rate-limit", rateLimit });
  }
}
