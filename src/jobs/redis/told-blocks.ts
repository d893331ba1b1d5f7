import { Redis } from "ioredis";
import { JobError } from "../errors.ts";

/** What servers tell their workers is blocked: a text each, by the server's name. */
export interface ToldBlocks extends AsyncDisposable {
  /** Changes whenever some server's text did. @throws {JobError} `job.queue-unreachable` */
  version(): Promise<string>;
  /** All texts. @throws {JobError} `job.queue-unreachable` */
  read(): Promise<readonly string[]>;
  /** Nothing is written where it is told already. @throws {JobError} `job.queue-unreachable` */
  tell(server: string, text: string): Promise<void>;
}

const patienceMs = 5000;

/** `KEYS[1]` a hash of texts by server, `KEYS[2]` counts their changes. */
const tellLua = `
  if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  return redis.call('INCR', KEYS[2])`;

/** Connects when it is first asked. */
export async function openToldBlocks(url: string, prefix = "{amphora}"): Promise<ToldBlocks> {
  const [texts, count] = [`${prefix}:blocks`, `${prefix}:blocks:version`];
  const redis = new Redis(url, {
    lazyConnect: true,
    commandTimeout: patienceMs,
    connectTimeout: patienceMs,
    maxRetriesPerRequest: 1,
  });
  redis.on("error", () => {}); // whoever asks is told
  return {
    version: () => asked(async () => (await redis.get(count)) ?? "none"),
    read: () => asked(() => redis.hvals(texts)),
    tell: (server, text) =>
      asked(async () => void (await redis.eval(tellLua, 2, texts, count, server, text))),
    async [Symbol.asyncDispose]() {
      redis.disconnect();
    },
  };
}

async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new JobError("job.queue-unreachable", "Cannot read what is blocked from Redis", {
      cause,
      retryable: true,
    });
  }
}
