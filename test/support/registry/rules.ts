import type { Fault } from "./faults.ts";
import type { Operation } from "./operation.ts";

/** Which requests a fault is for, and which of them. */
export interface Rule {
  /** A template as in the log: `PUT upload`, `GET blob`; or a test of the operation; all requests without it. */
  readonly on?: string | RegExp | ((operation: Operation) => boolean);
  /** The first matching request it happens to, from 1. Default 1. */
  readonly nth?: number;
  /** To how many matching requests from there on. Default 1. */
  readonly times?: number;
  readonly fault: Fault;
}

/** A rule in force. */
export interface RuleInForce {
  /** How many requests it happened to. */
  readonly hits: number;
  stop(): void;
}

class ActiveRule implements RuleInForce {
  readonly rule: Rule;
  #seen = 0;
  hits = 0;
  #stopped = false;

  constructor(rule: Rule) {
    this.rule = rule;
  }

  stop(): void {
    this.#stopped = true;
  }

  takes(operation: Operation): boolean {
    if (this.#stopped || !matches(this.rule.on, operation)) return false;
    this.#seen += 1;
    const { nth = 1, times = 1 } = this.rule;
    const taken = this.#seen >= nth && this.#seen < nth + times;
    if (taken) this.hits += 1;
    return taken;
  }
}

function matches(on: Rule["on"], operation: Operation): boolean {
  if (on === undefined) return true;
  if (typeof on === "function") return on(operation);
  if (typeof on === "string")
    return operation.template.split("?")[0] === on || operation.template === on;
  return on.test(`${operation.template} ${operation.url.pathname}${operation.url.search}`);
}

/** The rules of one registry, asked once a request. */
export class Rules {
  readonly #rules: ActiveRule[] = [];

  add(rule: Rule): RuleInForce {
    const active = new ActiveRule(rule);
    this.#rules.push(active);
    return active;
  }

  /** The faults that happen to this request, in the order the rules were given. */
  take(operation: Operation): Fault[] {
    return this.#rules.filter((rule) => rule.takes(operation)).map((active) => active.rule.fault);
  }

  clear(): void {
    for (const rule of this.#rules) rule.stop();
  }
}
