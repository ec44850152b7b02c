/** One decision about a principal: by the IdP, or by a resource authorization server. Carries no token and no secret. */
export interface AuditRecord {
  /** ISO 8601, in UTC. */
  readonly time: string;
  /** Who decided: `idp`, or `as` for an authorization server. */
  readonly where: 'idp' | 'as';
  /** `authenticate`: the principal's own token; `exchange`: an ID-JAG; `redeem`: an access token. */
  readonly leg: 'authenticate' | 'exchange' | 'redeem';
  /** The issuer that decided. */
  readonly issuer: string;
  /** Undefined where the client could not be told apart. */
  readonly principal: string | undefined;
  /** The MCP server asked for; undefined at `authenticate` and where the target is unknown. */
  readonly server: string | undefined;
  /** Empty where the request named none. */
  readonly requestedScopes: readonly string[];
  /** Empty where nothing was granted. */
  readonly grantedScopes: readonly string[];
  /** Whether the request was granted. */
  readonly granted: boolean;
  /** The OAuth error code of a denial (RFC 6749 section 5.2). */
  readonly error: string | undefined;
  /** Why it was granted or denied, in a sentence. */
  readonly reason: string;
}

/** Receives each record of an audit trail. */
export type AuditListener = (record: AuditRecord) => void;

/** Every decision of the IdP and of the authorization servers, in the order in which they were made. */
export interface AuditTrail {
  /** Every record so far, the oldest first. Live: it grows. */
  readonly records: readonly AuditRecord[];
  /**
   * Calls `listener` for every record from now on, at once and in order.
   * @returns a function that ends the subscription.
   */
  subscribe(listener: AuditListener): () => void;
}

export type RecordDecision = (decision: Omit<AuditRecord, 'time'>) => void;

export function createAuditTrail(): { audit: AuditTrail; record: RecordDecision } {
  const records: AuditRecord[] = [];
  const listeners = new Set<AuditListener>();
  return {
    audit: {
      records,
      subscribe(listener) {
        // A wrapper, so that one function subscribed twice is two subscriptions.
        const entry: AuditListener = (record) => listener(record);
        listeners.add(entry);
        return () => void listeners.delete(entry);
      },
    },
    record(decision) {
      const entry = Object.freeze({ time: new Date().toISOString(), ...decision });
      records.push(entry);
      for (const listener of listeners) notify(listener, entry);
    },
  };
}

/** Somebody who watches must not change what is decided: a listener that throws becomes a process warning. */
function notify(listener: AuditListener, record: AuditRecord): void {
  try {
    listener(record);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.emitWarning(`An audit listener threw: ${message}`, { type: 'SandboxWarning' });
  }
}
