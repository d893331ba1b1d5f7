import type { RedisLink } from "./link.ts";

/** What servers tell their workers is blocked: a text each, by the server's name. */
export interface ToldBlocks {
  /** Changes whenever some server's text did. @throws {JobError} `job.queue-unreachable` */
  version(): Promise<string>;
  /** All texts. @throws {JobError} `job.queue-unreachable` */
  read(): Promise<readonly string[]>;
  /** Nothing is written where it is told already. @throws {JobError} `job.queue-unreachable` */
  tell(server: string, text: string): Promise<void>;
}

/** `PREFIX:blocks` is a hash of texts by server, `PREFIX:blocks:version` counts their changes. */
const tellLua = `
  local texts = ARGV[1] .. ':blocks'
  if redis.call('HGET', texts, ARGV[2]) == ARGV[3] then return 0 end
  redis.call('HSET', texts, ARGV[2], ARGV[3])
  return redis.call('INCR', texts .. ':version')`;

/** By a link of jobs, for as long as that is open. */
export function toldBlocksBy(link: RedisLink): ToldBlocks {
  const texts = `${link.prefix}:blocks`;
  return {
    version: () => link.ask(async () => (await link.redis.get(`${texts}:version`)) ?? "none"),
    read: () => link.ask(() => link.redis.hvals(texts)),
    tell: async (server, text) => void (await link.run(tellLua, [server, text])),
  };
}
