/** Who makes a request, as authentication has found out. */
export interface Caller {
  /** Undefined: nobody in particular. */
  readonly user: string | undefined;
  /** Where the connection comes from, for limits and the audit log; never trusted for rights but by rules that name it. */
  readonly address: string;
}

/** A call made for somebody, that can be called off. */
export interface ServerCall {
  readonly caller: Caller;
  readonly signal: AbortSignal;
  /** What a password came in (`Authorization: Basic …`), for the signer's eyes alone: never kept, never logged. */
  readonly authorization?: string | undefined;
  /** HEAD by somebody who may push: asked to find out whether it has to be pushed. */
  readonly isForPushing?: boolean;
  /** Proxies that the request has come through (`OCI-Proxy-Hops`); none where absent. */
  readonly hops?: number;
}
