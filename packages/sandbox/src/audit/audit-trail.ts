/** One decision of the IdP or of a resource authorization server about a principal. Contains no token and no secret. */
export interface SandboxAuditRecord {
  /** ISO 8601, in UTC. */
  readonly time: string;
  /** The server that decided: `idp`, or `as` for an authorization server. */
  readonly where: 'idp' | 'as';
  /** The kind of request. `authenticate`: for a subject token; `exchange`: for an ID-JAG; `redeem`: for an access token. */
  readonly leg: 'authenticate' | 'exchange' | 'redeem';
  /** The issuer identifier of the server that decided. */
  readonly issuer: string;
  /** Name of the principal. Undefined if the client is unknown. */
  readonly principal: string | undefined;
  /** Name of the requested MCP server. Undefined at `authenticate`, and if the requested target is unknown. */
  readonly server: string | undefined;
  /** Empty if the request named no scope. */
  readonly requestedScopes: readonly string[];
  /** Empty if the request was denied. */
  readonly grantedScopes: readonly string[];
  /** Whether the request was granted. */
  readonly granted: boolean;
  /** The OAuth error code of a denial (RFC 6749 section 5.2). */
  readonly error: string | undefined;
  /** Why the request was granted or denied, in one sentence. */
  readonly reason: string;
}

/** Receives each record of an audit trail. */
export type SandboxAuditListener = (record: SandboxAuditRecord) => void;

/** Every decision of the IdP and of the authorization servers, in the order in which they were made. */
export interface SandboxAuditTrail {
  /** All records, the oldest first. New records are appended to this array. */
  readonly records: readonly SandboxAuditRecord[];
  /**
   * Calls `listener` synchronously for every new record, in order.
   * @returns a function that ends the subscription.
   */
  subscribe(listener: SandboxAuditListener): () => void;
}

export type RecordDecision = (decision: Omit<SandboxAuditRecord, 'time'>) => void;

export function createAuditTrail(): { audit: SandboxAuditTrail; record: RecordDecision } {
  const records: SandboxAuditRecord[] = [];
  const listeners = new Set<SandboxAuditListener>();
  return {
    audit: {
      records,
      subscribe(listener) {
        // a Set holds a function once: the wrapper makes two subscriptions of one function distinct
        const entry: SandboxAuditListener = (record) => listener(record);
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

/** Turns an error of the listener into a process warning, so that a listener cannot fail the request that is recorded. */
function notify(listener: SandboxAuditListener, record: SandboxAuditRecord): void {
  try {
    listener(record);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.emitWarning(`An audit listener threw: ${message}`, { type: 'SandboxWarning' });
  }
}
