import type { Face } from "./faces.ts";

/** Why the server should be sent no more requests; undefined: it may. */
export type Readiness = () => string | undefined | Promise<string | undefined>;

/** `/healthz`: the process is alive. `/readyz`: it takes requests; 503 with the reason where it does not. */
export function healthFace(readiness: Readiness): Face {
  return (app) => {
    app.get("/healthz", { config: { open: true, operation: "health" } }, async (_request, reply) =>
      reply.type("text/plain").send("ok\n"),
    );
    app.get("/readyz", { config: { open: true, operation: "health" } }, async (_request, reply) => {
      const reason = await readiness();
      return reply
        .code(reason === undefined ? 200 : 503)
        .type("text/plain")
        .send(`${reason ?? "ready"}\n`);
    });
  };
}
