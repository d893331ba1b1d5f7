import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { RequestEvent, ServerEvent } from "../server-event.ts";

/** Figures of this process, made of events. */
export interface Metrics {
  observe(event: ServerEvent): void;
  /** Adds figures that are asked for whenever somebody looks, by their names behind `amphora_`. */
  watch(gauges: Readonly<Record<string, Watched>>): void;
  readonly contentType: string;
  /** In Prometheus' text form. */
  text(): Promise<string>;
}

/** A figure as it is now; where it cannot be read, or not soon, it stays what it was. */
export interface Watched {
  readonly help: string;
  read(): Promise<number>;
}

/** Begins at nought. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const series = makeSeries(registry);
  return {
    observe: (event) => observe(series, event),
    watch(gauges) {
      for (const [name, watched] of Object.entries(gauges)) addGauge(registry, name, watched);
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

function addGauge(register: Registry, name: string, { help, read }: Watched): void {
  new Gauge({
    name: `amphora_${name}`,
    help,
    registers: [register],
    async collect() {
      try {
        this.set(await soon(read()));
      } catch {
        // Readiness tells why.
      }
    },
  });
}

/** Whoever asks for figures gives up after ten seconds, and wants the others. */
const patienceMs = 2000;

async function soon<T>(value: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("too late")), patienceMs);
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}

type Series = ReturnType<typeof makeSeries>;

function makeSeries(register: Registry) {
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Counter({ name: `amphora_${name}`, help, labelNames, registers: [register] });
  const requests = counter("requests_total", "Requests answered", ["operation", "status"]);
  const received = counter("received_bytes_total", "Bytes of request bodies", ["operation"]);
  const sent = counter("sent_bytes_total", "Bytes of answers' bodies", ["operation"]);
  const durations = new Histogram({
    name: "amphora_request_duration_seconds",
    help: "Time from a request's head to the last byte of its answer",
    labelNames: ["operation"],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
    registers: [register],
  });
  return {
    ofRequest: remembered((operation, status) => ({
      requests: requests.labels({ operation, status }),
      duration: durations.labels({ operation }),
      received: received.labels({ operation }),
      sent: sent.labels({ operation }),
    })),
    cache: counter("cache_total", "Manifests and blobs of upstreams, held or not", [
      "kind",
      "result",
    ]),
    upstream: counter("upstream_answers_total", "Answers of upstreams; 0: none came", [
      "upstream",
      "status",
    ]),
    jobs: counter("jobs_ended_total", "Jobs that ended", ["kind", "state"]),
    jobImages: counter("job_images_total", "Images that jobs were done with", ["kind"]),
    jobBytes: counter("job_bytes_total", "Bytes that jobs moved, or found there already", [
      "kind",
      "how",
    ]),
    decisions: counter("decisions_total", "What the trust policy said", [
      "scope",
      "result",
      "reason",
    ]),
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
    case "jobs":
      observeJob(series, event);
      break;
    case "message":
      break;
  }
}

function observeJob(series: Series, event: ServerEvent & { readonly type: "jobs" }): void {
  const { kind, images, bytesMoved, bytesSpared, ended } = event;
  if (ended !== undefined) series.jobs.inc({ kind, state: ended });
  if (images > 0) series.jobImages.inc({ kind }, images);
  if (bytesMoved > 0) series.jobBytes.inc({ kind, how: "moved" }, bytesMoved);
  if (bytesSpared > 0) series.jobBytes.inc({ kind, how: "spared" }, bytesSpared);
}

function observeRequest(series: Series, event: RequestEvent): void {
  const { operation, status, durationMs, bytesIn, bytesOut } = event;
  const { requests, duration, received, sent } = series.ofRequest(operation, status);
  requests.inc();
  duration.observe(durationMs / 1000);
  if (bytesIn > 0) received.inc(bytesIn);
  if (bytesOut > 0) sent.inc(bytesOut);
}

/** Finding a series by its labels takes longer than counting: each is found once. */
function remembered<T>(find: (operation: string, status: number) => T) {
  const found = new Map<string, T>();
  return (operation: string, status: number): T => {
    const key = `${operation} ${status}`;
    const known = found.get(key) ?? find(operation, status);
    found.set(key, known);
    return known;
  };
}
