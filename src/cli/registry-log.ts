import type { RegistryEvent, ReportRegistry } from "../registry/events.ts";
import type { Log } from "./log.ts";
import type { Traffic } from "./parts.ts";

/** Where what happens at registries is told, and counted. */
export interface RegistryLog {
  readonly report: ReportRegistry;
  /** What went over the wire so far. */
  traffic(): Traffic;
}

/** Writes to `log` what happens at registries. */
export function createRegistryLog(log: Log): RegistryLog {
  let requests = 0;
  let retries = 0;
  return {
    report(event) {
      if (event.type === "answered") requests++;
      if (event.type === "retrying" || event.type === "resuming") retries++;
      write(event, log);
    },
    traffic: () => ({ requests, retries }),
  };
}

function write(event: RegistryEvent, log: Log): void {
  switch (event.type) {
    case "answered":
      log.debug(`${event.method} ${event.url}: ${event.status}`);
      return;
    case "retrying":
      log.debug(`${event.method} ${event.url}: again in ${event.delayMs} ms: ${event.reason}`);
      return;
    case "resuming":
      log.debug(`${event.side} of ${event.digest} goes on at ${event.offset}: ${event.reason}`);
      return;
    case "paused":
      log.debug(`${event.host} asked to wait ${event.delayMs} ms`);
      return;
    case "held":
      log.info(
        `${event.host}: ${event.pullsLeft} pulls are left, which are kept: waiting ${Math.ceil(event.delayMs / 1000)} s`,
      );
      return;
    case "warning":
      log.warning(
        `Warning from registry (first encountered at ${JSON.stringify(event.url)}): ${JSON.stringify(event.text)}`,
      );
      return;
    case "notice":
      log.warning(event.text);
      return;
    case "rate-limit":
      log.debug(`${event.host}: rate limit ${JSON.stringify(event.rateLimit)}`);
      return;
  }
}
