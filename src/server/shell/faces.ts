import type { FastifyInstance, FastifyRequest } from "fastify";
import type * as z from "zod";
import type { Action } from "../access.ts";
import type { Caller } from "../caller.ts";

/** A part of the server that answers requests of its own: what it adds to the application. */
export type Face = (app: FastifyInstance) => void | Promise<void>;

/** What `/api/v1/openapi.json` says of a route. */
export interface ApiDescription {
  readonly summary: string;
  readonly params?: z.core.$ZodType;
  readonly query?: z.core.$ZodType;
  /** Those of the request that mean something to this route besides what HTTP says of them. */
  readonly headers?: z.core.$ZodType;
  readonly body?: z.core.$ZodType;
  /** By status. */
  readonly answers?: Readonly<
    Record<number, { readonly is: string; readonly body?: z.core.$ZodType }>
  >;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Asked before the route is: who has not this right for the server as a whole is refused. */
    right?: Action;
    /** Nobody is asked who they are. */
    open?: boolean;
    /** What is counted as; the first part of the path by default. */
    operation?: string;
    api?: ApiDescription;
  }
  interface FastifyRequest {
    /** Who asks; before that was found out, and for open routes, nobody. */
    caller: Caller;
  }
}

/** Who makes a request, as the application has found out. */
export function callerOf(request: FastifyRequest): Caller {
  return request.caller;
}

/** A face that finds out by itself who asks: the application does not. */
export function asksItself(face: Face): Face {
  return (app) => {
    app.addHook("onRoute", (route) => {
      route.config = { ...route.config, open: true };
    });
    return face(app);
  };
}
