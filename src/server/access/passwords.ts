import { hash, randomBytes } from "node:crypto";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import type { AccessSettings } from "./settings.ts";
import { addressGroup, createTokenBuckets } from "./token-bucket.ts";
import type { Passwords } from "./user-files.ts";

/** Who says who he is, by a password. */
export interface Login {
  readonly user: string;
  readonly password: string;
  readonly address: string;
}

/** Judges passwords. */
export interface PasswordCheck {
  /** @throws {RegistryAnswerError} 429 where too many logins failed before, or too many wait to be judged */
  isGood(login: Login): Promise<boolean>;
  /** Counts a login that failed elsewhere. @throws as {@link isGood} */
  failed(login: Pick<Login, "user" | "address">): void;
}

interface Verified {
  readonly hash: string;
  readonly until: number;
}

const maxVerified = 4096;

/** What judging takes. */
export interface PasswordParts {
  readonly passwords: () => Passwords;
  readonly hasher: PasswordHasher;
  readonly now: () => number;
}

/**
 * Hashing is slow on purpose, and registries' clients send their password with every request: a good one is known again for
 * some minutes, by a hash salted for this process alone, as long as the file has the same for its user.
 */
export function createPasswordCheck(
  settings: Pick<AccessSettings, "verifiedFor" | "failedLogins">,
  { passwords, hasher, now }: PasswordParts,
): PasswordCheck {
  const salt = randomBytes(32).toString("base64");
  const verified = new Map<string, Verified>();
  const running = new Map<string, Promise<boolean>>();
  const failures = createFailures(settings.failedLogins, now);
  const judge = async (login: Login, mark: string): Promise<boolean> => {
    failures.take(login);
    const known = passwords();
    const wanted = known.get(login.user);
    // That there is no such user takes as long to say as that the password is wrong.
    const same = await hasher.matches(login.password, wanted ?? firstOf(known));
    if (!same || wanted === undefined) return false;
    failures.giveBack(login);
    if (verified.size >= maxVerified) verified.delete(verified.keys().next().value ?? "");
    verified.set(mark, { hash: wanted, until: now() + settings.verifiedFor });
    return true;
  };
  return {
    async isGood(login) {
      const { user, password } = login;
      if (user.length > 128 || password.length > 1024) return false;
      const mark = hash("sha256", `${salt}\0${user}\0${password}`, "base64");
      const known = verified.get(mark);
      if (known && known.until > now() && known.hash === passwords().get(user)) return true;
      verified.delete(mark);
      const same = running.get(mark) ?? judge(login, mark);
      running.set(mark, same);
      return await same.finally(() => running.delete(mark));
    },
    failed: failures.take,
  };
}

function firstOf(passwords: Passwords): string {
  return passwords.values().next().value ?? nobodys;
}

/** Where there is nobody. */
const nobodys = "$2b$05$k82o2EQ5aUm7VljnGdPfAecSMdatNv90.Gqe9q/b7oN5/xWs.99q6";

/**
 * A login costs one, which it gets back when it was good. By address, and by address and user: a stranger cannot lock
 * somebody out from where he is not himself.
 */
function createFailures({ limit, window }: AccessSettings["failedLogins"], now: () => number) {
  const off = limit === 0 || window === 0;
  const perMs = limit / Math.max(1, window);
  const byUser = createTokenBuckets({ burst: limit, perMs, now });
  const byAddress = createTokenBuckets({ burst: limit * 10, perMs: perMs * 10, now });
  const names = ({ user, address }: Pick<Login, "user" | "address">) => {
    const group = addressGroup(address);
    return [group, `${group} ${user.slice(0, 128)}`] as const;
  };
  return {
    take(login: Pick<Login, "user" | "address">) {
      if (off) return;
      const [address, user] = names(login);
      const wait = byAddress.take(address) || byUser.take(user);
      if (wait > 0) throw tooMany("too many failed logins", wait);
    },
    giveBack(login: Pick<Login, "user" | "address">) {
      if (off) return;
      const [address, user] = names(login);
      byAddress.giveBack(address);
      byUser.giveBack(user);
    },
  };
}

/** 429, and when to come again. */
export function tooMany(message: string, waitMs: number): RegistryAnswerError {
  return new RegistryAnswerError("TOOMANYREQUESTS", message, {
    status: 429,
    headers: { "Retry-After": String(Math.max(1, Math.ceil(waitMs / 1000))) },
    retryable: true,
  });
}
