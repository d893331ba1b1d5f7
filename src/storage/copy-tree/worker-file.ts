/** What a helping thread is started from. The bundler puts the path of its own bundle here. */
export const copyWorkerFile: string | URL = new URL("./worker.ts", import.meta.url);
