import type { Face } from "../shell/faces.ts";
import type { Metrics } from "./metrics.ts";

/** `/metrics`, for whoever has the right `admin`; `open`: for everybody who reaches it. */
export function metricsFace(metrics: Metrics, { open = false } = {}): Face {
  return (app) => {
    const config = { operation: "metrics", ...(open ? { open } : { right: "admin" as const }) };
    app.get("/metrics", { config }, async (_request, reply) =>
      reply.type(metrics.contentType).send(await metrics.text()),
    );
  };
}
