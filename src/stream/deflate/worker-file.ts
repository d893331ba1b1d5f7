/** What a deflating thread is started from. The bundler puts the path of the worker's own bundle here. */
export const deflateWorkerFile: string | URL = new URL("./worker.ts", import.meta.url);
