import { KnownError } from "../core/errors.ts";

/** Why the server did not start, or stopped. */
export type ServerErrorCode =
  /** An address cannot be listened on. */
  | "server.cannot-listen"
  /** Certificate, key, password file or another that it needs to start. */
  | "server.bad-file"
  /** The audit log cannot be gone on with. */
  | "server.bad-audit-log";

/** The server as a whole cannot do its work. */
export class ServerError extends KnownError<ServerErrorCode> {}
