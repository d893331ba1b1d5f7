import { connect, type Socket } from "node:net";

/** What came over a connection. */
export interface RawAnswer {
  readonly text: string;
  /** Status of each answer in it. */
  readonly statuses: readonly number[];
}

/** Writes bytes as they are, and waits until the server closes the connection. */
export function exchangeRaw(
  port: number,
  ...pieces: readonly (string | Uint8Array)[]
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      const text = Buffer.concat(chunks).toString("latin1");
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
      resolve({ text, statuses });
    });
    for (const piece of pieces) socket.write(piece);
  });
}

/** A connection for a test to do with as it likes. */
export interface RawConnection {
  readonly socket: Socket;
  /** When it is closed, by a reset too: that is what a server's end is to who still sends. */
  readonly closed: Promise<void>;
  /** The first answer that comes whole headers of. */
  headers(): Promise<string>;
}

/** Opens one. */
export function openRaw(port: number): RawConnection {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  let text = "";
  const headers = () =>
    new Promise<string>((resolve, reject) => {
      const look = (chunk: Buffer) => {
        text += chunk.toString("latin1");
        if (!text.includes("\r\n\r\n")) return;
        socket.off("data", look);
        const end = text.indexOf("\r\n\r\n");
        resolve(text.slice(0, end));
        text = text.slice(end + 4);
      };
      socket.on("data", look);
      socket.on("close", () => reject(new Error(`closed after: ${text}`)));
    });
  return { socket, closed, headers };
}
