/** Where the thread's program is. The bundle has one of its own (scripts/bundle-program.ts). */
export const bcryptWorkerFile: string | URL = new URL("./bcrypt-worker.ts", import.meta.url);
