/**
 * One decision of the IdP or of a resource authorization server about a principal: who is the human (`user`), and who is the agent
 * (`principal`). Contains no token and no secret.
 */
export interface SandboxAuditRecord {
  /** ISO 8601, in UTC. */
  readonly time: string;
  /** The server that decided: `idp`, or `as` for an authorization server. */
  readonly where: 'idp' | 'as';
  /** The kind of request. `authenticate`: for a subject token; `exchange`: for an ID-JAG; `redeem`: for an access token. */
  readonly leg: 'authenticate' | 'exchange' | 'redeem';
  /** The issuer identifier of the server that decided. */
  readonly issuer: string;
  /** Name of the principal that sent the request. Undefined if the client is unknown. */
  readonly principal: string | undefined;
  /** The user for whom the principal acts. Undefined if it acts for itself, and if the token of the user was not valid. */
  readonly user?: string | undefined;
  /** The name of the principal in `act` of the ID-JAG or of the access token. Undefined if the principal acts for itself. */
  readonly actor?: string | undefined;
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

/** One tool call at an MCP server: who is the human (`user`), who is the agent (`principal`), and which run. */
export interface SandboxCallRecord {
  /** ISO 8601, in UTC. */
  readonly time: string;
  /** The name of the MCP server. */
  readonly server: string;
  /** The name of the tool. Undefined for a call without a name. */
  readonly tool: string | undefined;
  /** Name of the principal that sent the request. Undefined if the client is unknown. */
  readonly principal: string | undefined;
  /** The user for whom the principal acts: the subject of the access token. Undefined if it acts for itself. */
  readonly user: string | undefined;
  /** The name of the principal in `act` of the access token. Undefined if the principal acts for itself. */
  readonly actor: string | undefined;
  /** The id of the run, as the client stated it in the header `Credence-Run`. The server does not verify it. */
  readonly run: string | undefined;
  /** Whether the access token has the scope of the tool. The tool can still fail. */
  readonly granted: boolean;
}

/** Receives each record of an audit trail. */
export type SandboxAuditListener = (record: SandboxAuditRecord) => void;

/** Every decision of the IdP and of the authorization servers, and every tool call, in the order in which they were made. */
export interface SandboxAuditTrail {
  /** All records, the oldest first. New records are appended to this array. */
  readonly records: readonly SandboxAuditRecord[];
  /** All tool calls, the oldest first. New records are appended to this array. */
  readonly calls: readonly SandboxCallRecord[];
  /**
   * Calls `listener` synchronously for every new record, in order.
   * @returns a function that ends the subscription.
   */
  subscribe(listener: SandboxAuditListener): () => void;
}

export type RecordDecision = (decision: Omit<SandboxAuditRecord, 'time'>) => void;
export type RecordCall = (call: SandboxCallRecord) => void;

export function createAuditTrail(): { audit: SandboxAuditTrail; record: RecordDecision; recordCall: RecordCall } {
  const records: SandboxAuditRecord[] = [];
  const calls: SandboxCallRecord[] = [];
  const listeners = new Set<SandboxAuditListener>();
  return {
    audit: {
      records,
      calls,
      subscribe(listener) {
        // a Set holds a function once: the wrapper makes two subscriptions of one function distinct
        const entry: SandboxAuditListener = (record) => listener(record);
        listeners.add(entry);
        return () => void listeners.delete(entry);
      },
    },
    recordCall: (call) => void calls.push(Object.freeze(call)),
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
