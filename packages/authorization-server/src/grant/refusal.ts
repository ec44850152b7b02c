/**
 * A token request is refused. `error` and `description` are sent to the client. `reason` is written to the audit record
 * only. `cause` is in the `server_error` event of oidc-provider. Callbacks such as `account`, `scopesFor` and `policy` may
 * also throw a GrantRefusal.
 */
export class GrantRefusal extends Error {
  /** Always `GrantRefusal`. */
  override readonly name = 'GrantRefusal';
  /** The OAuth error code (RFC 6749 section 5.2, RFC 8707 section 2, RFC 9470). */
  readonly error: string;
  /** The `error_description` that is sent to the client. */
  readonly description: string;
  /** The reason in the audit record. Default: the description. */
  readonly reason: string;

  constructor(error: string, description: string, reason: string = description, options?: ErrorOptions) {
    super(description, options);
    this.error = error;
    this.description = description;
    this.reason = reason;
  }
}

/** A refusal because of a failure of this server. The description tells the client nothing about the failure. */
export function serverFailure(reason: string, cause?: unknown): GrantRefusal {
  return new GrantRefusal('server_error', 'the request failed', reason, { cause });
}
