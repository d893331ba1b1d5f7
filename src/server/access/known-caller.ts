import type { Caller } from "../caller.ts";
import type { Grants } from "./grants.ts";

/** A caller that our own authentication has found: others have no rights. */
export class KnownCaller implements Caller {
  readonly user: string | undefined;
  readonly address: string;
  /** Of who came with a token: no more than it says. Undefined: whatever the rules give. */
  readonly grants: Grants | undefined;

  constructor(user: string | undefined, address: string, grants?: Grants) {
    this.user = user;
    this.address = address;
    this.grants = grants;
  }
}
