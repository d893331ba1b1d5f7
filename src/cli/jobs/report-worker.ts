import type { WorkerEvent } from "../../jobs/worker.ts";
import type { Report } from "../../server/server-event.ts";

/** Lines of the log for what happens at a worker. */
export function reportWorker(report: Report, worker: string): (event: WorkerEvent) => void {
  const tell = (
    level: "info" | "warn" | "error",
    text: string,
    { error, ...fields }: Readonly<Record<string, unknown>>,
  ) =>
    report({
      type: "message",
      level,
      text,
      fields: { worker, ...(fields as Record<string, string | number>) },
      ...(error !== undefined && { error }),
    });
  return (event) => {
    switch (event.type) {
      case "job-began":
        return tell("info", "job begun", { job: event.id, attempt: event.attempt });
      case "job-ended":
        return tell("info", "job ended", { job: event.id, state: event.state });
      case "job-again": {
        const { code, message } = event.failure;
        const at = new Date(event.notBefore).toISOString();
        return tell("warn", "job to be tried again", { job: event.id, at, code, reason: message });
      }
      case "job-left":
        return tell("warn", "job left", { job: event.id, why: event.why });
      case "job-mended":
        return tell("warn", "job queued again", { job: event.id });
      case "trouble":
        return tell("warn", "the queue is not as it should be", { error: event.error });
      case "bug":
        return tell("error", "internal error in a job", { job: event.id, error: event.error });
    }
  };
}
