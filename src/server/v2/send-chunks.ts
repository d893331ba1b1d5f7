import type { ServerResponse } from "node:http";

/**
 * Sends borrowed chunks as the content of an answer that has been begun, each before the next is asked for, and ends the
 * answer. False where the client went away.
 */
export async function sendChunks(
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array>,
): Promise<boolean> {
  for await (const chunk of chunks) {
    if (!(await written(response, chunk))) return false;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once("close", resolve);
  response.end(resolve);
  await promise;
  return response.writableFinished;
}

function written(response: ServerResponse, chunk: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.closed) {
      resolve(false);
      return;
    }
    const gone = () => resolve(false);
    response.once("close", gone);
    response.write(chunk, (error) => {
      response.off("close", gone);
      resolve(!error);
    });
  });
}
