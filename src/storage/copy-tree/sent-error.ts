/** An error on its way to another thread: what is to be known of it there. */
export interface SentError {
  readonly message: string;
  readonly stack: string | undefined;
  /** Of a failed system call. */
  readonly call?: { readonly code: string; readonly errno: number; readonly syscall: string };
}

/** What another thread is told of an error. */
export function sentError(error: unknown): SentError {
  if (!(error instanceof Error)) return { message: String(error), stack: undefined };
  const { message, stack } = error;
  if (!("syscall" in error && "code" in error && "errno" in error)) return { message, stack };
  const call = {
    code: String(error.code),
    errno: Number(error.errno),
    syscall: String(error.syscall),
  };
  return { message, stack, call };
}

/** The error again, as Node tells of system calls. */
export function errorOf({ message, stack, call }: SentError): Error {
  return Object.assign(new Error(message), call, stack !== undefined && { stack });
}
