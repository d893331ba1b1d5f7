import { fileErrorText, systemCode } from "../../config/load-file.ts";
import { KnownError } from "../../core/errors.ts";
import { ServerError } from "../../server/errors.ts";

/**
 * Why a server does not start, for whoever runs it: where the system does not let it have a file or a folder, that is no
 * fault of the program's. What is known already, and what is nobody's but ours, stays as it is.
 */
export function asStartFailure(error: unknown, data: string): unknown {
  if (error instanceof KnownError || !isOfFile(error)) return error;
  const { path, syscall } = error;
  const text = `Cannot keep anything in ${data}: ${fileErrorText(error, syscall, path)}`;
  return new ServerError("server.bad-file", text, {
    hint: "Let the folder belong to the user that the server runs as, or name another with --data",
    cause: error,
  });
}

function isOfFile(error: unknown): error is Error & { path: string; syscall: string } {
  if (systemCode(error) === undefined) return false;
  const { path, syscall } = error as Partial<Record<"path" | "syscall", unknown>>;
  return typeof path === "string" && typeof syscall === "string";
}
