import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { RequestEvent, ServerEvent } from "../server-event.ts";

/** Figures of this process, made of events. */
export interface Metrics {
  observe(event: ServerEvent): void;
  readonly contentType: string;
  /** In Prometheus' text form. */
  text(): Promise<string>;
}

/** Begins at nought. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const series = makeSeries(registry);
  return {
    observe: (event) => observe(series, event),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

type Series = ReturnType<typeof makeSeries>;

function makeSeries(register: Registry) {
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Counter({ name: `amphora_${name}`, help, labelNames, registers: [register] });
  return {
    requests: counter("requests_total", "Requests answered", ["operation", "status"]),
    durations: new Histogram({
      name: "amphora_request_duration_seconds",
      help: "Time from a request's head to the last byte of its answer",
      labelNames: ["operation"],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
      registers: [register],
    }),
    received: counter("received_bytes_total", "Bytes of request bodies", ["operation"]),
    sent: counter("sent_bytes_total", "Bytes of answers' bodies", ["operation"]),
    cache: counter("cache_total", "Manifests and blobs of upstreams, held or not", [
      "kind",
      "result",
    ]),
    upstream: counter("upstream_answers_total", "Answers of upstreams; 0: none came", [
      "upstream",
      "status",
    ]),
    decisions: counter("decisions_total", "What the trust policy said", [
      "scope",
      "result",
      "reason",
    ]),
    uploads: new Gauge({
      name: "amphora_open_uploads",
      help: "Uploads that were begun and not ended",
      registers: [register],
    }),
  };
}

function observe(series: Series, event: ServerEvent): void {
  switch (event.type) {
    case "request":
      observeRequest(series, event);
      break;
    case "cache":
      series.cache.inc({ kind: event.kind, result: event.result });
      break;
    case "upstream":
      series.upstream.inc({ upstream: event.upstream, status: event.status });
      break;
    case "decision": {
      const result = event.allowed ? "admitted" : "refused";
      series.decisions.inc({ scope: event.scope, result, reason: event.reason });
      break;
    }
    case "upload":
      series.uploads.inc(event.change);
      break;
    case "message":
      break;
  }
}

function observeRequest(series: Series, event: RequestEvent): void {
  const { operation, status, durationMs, bytesIn, bytesOut } = event;
  series.requests.inc({ operation, status });
  series.durations.observe({ operation }, durationMs / 1000);
  if (bytesIn > 0) series.received.inc({ operation }, bytesIn);
  if (bytesOut > 0) series.sent.inc({ operation }, bytesOut);
}
