/**
 * A token request is refused: `error` and `description` go to the client, `reason` to the audit record only, `cause` to the
 * provider's `server_error` event. Callbacks (`account`, `scopesFor`, `policy`) may throw it too.
 */
export class GrantRefusal extends Error {
  /** Always `GrantRefusal`. */
  override readonly name = 'GrantRefusal';
  /** The OAuth error code (RFC 6749 section 5.2, RFC 8707 section 2, RFC 9470). */
  readonly error: string;
  /** What the client is told, as `error_description`. */
  readonly description: string;
  /** What the audit record says. Default: the description. */
  readonly reason: string;

  constructor(error: string, description: string, reason: string = description, options?: ErrorOptions) {
    super(description, options);
    this.error = error;
    this.description = description;
    this.reason = reason;
  }
}

/** A failure of the server's own. The client learns no more than that. */
export function serverFailure(reason: string, cause?: unknown): GrantRefusal {
  return new GrantRefusal('server_error', 'the request failed', reason, { cause });
}
