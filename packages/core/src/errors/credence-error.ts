import { cleanText } from '@credence/protocol';
import type { ErrorCode } from './codes.ts';
import type { Contact, Leg } from './leg.ts';

/** A CredenceError as plain data. */
export interface CredenceErrorJson {
  /** Always `CredenceError`. */
  readonly name: 'CredenceError';
  /** What went wrong, as a constant that programs can compare. */
  readonly code: ErrorCode;
  /** The leg in which it went wrong. */
  readonly leg: Leg;
  /** One sentence in our words: what happened. Never a peer's text. */
  readonly message: string;
  /** One sentence: what to do about it. */
  readonly remedy: string;
  /** Who can mend it. */
  readonly contact: Contact;
  /** Whether the same call may succeed later without a change of configuration or policy. */
  readonly retryable: boolean;
  /** The configured name of the MCP server that it concerns. */
  readonly server?: string | undefined;
  /** The issuer identifier of the IdP or authorization server that it concerns. */
  readonly issuer?: string | undefined;
  /** HTTP status of the answer, where there was one. */
  readonly status?: number | undefined;
  /** The OAuth error code of the answer (RFC 6749 section 5.2). */
  readonly error?: string | undefined;
  /** The peer's own words, cleaned and cut. */
  readonly errorDescription?: string | undefined;
  /** How long the peer asked us to wait, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
  /** For `insufficient_scope`, `scope_not_granted` and `scope_outside_ceiling`: the scopes that are missing. */
  readonly missingScopes?: readonly string[] | undefined;
}

/**
 * Every refusal, misconfiguration and failure that Credence reports.
 *
 * `message` and `remedy` are ours and safe to show to a model or to log; `errorDescription` is the peer's text, stripped of
 * control characters and tokens. No field carries a token, key, assertion or secret, and `cause` keeps only the name and
 * code of a library's error.
 */
export class CredenceError extends Error {
  /** Always `CredenceError`, also where two copies of this package are loaded. */
  override readonly name = 'CredenceError';
  /** What went wrong, as a constant that programs can compare; see {@link ERROR_CODES}. */
  readonly code: ErrorCode;
  /** The leg in which it went wrong. */
  readonly leg: Leg;
  /** What to do about it, in one sentence. */
  readonly remedy: string;
  /** Who can mend it: `you`, `idp-admin` or `server-owner`. */
  readonly contact: Contact;
  /** Whether the same call may succeed later without a change of configuration or policy. */
  readonly retryable: boolean;
  /** The configured name of the MCP server that it concerns. */
  declare readonly server?: string;
  /** The issuer identifier of the IdP or authorization server that it concerns. */
  declare readonly issuer?: string;
  /** The HTTP status of the answer, where there was one. */
  declare readonly status?: number;
  /** The OAuth error code of the answer (RFC 6749 section 5.2). */
  declare readonly error?: string;
  /** The peer's own words, stripped of control characters and tokens, and cut. Do not show them to a model. */
  declare readonly errorDescription?: string;
  /** How long the peer asked us to wait, in seconds. */
  declare readonly retryAfterSeconds?: number;
  /** For `insufficient_scope`, `scope_not_granted` and `scope_outside_ceiling`: the scopes that are missing. */
  declare readonly missingScopes?: readonly string[];

  constructor(
    init: Omit<CredenceErrorJson, 'name' | 'retryable'> & {
      readonly retryable?: boolean | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(init.message, init.cause === undefined ? undefined : { cause: harmlessCause(init.cause) });
    this.code = init.code;
    this.leg = init.leg;
    this.remedy = init.remedy;
    this.contact = init.contact;
    this.retryable = init.retryable ?? false;
    const optional = {
      server: init.server,
      issuer: init.issuer,
      status: init.status,
      error: init.error,
      errorDescription: init.errorDescription === undefined ? undefined : cleanText(init.errorDescription),
      retryAfterSeconds: init.retryAfterSeconds,
      missingScopes: init.missingScopes,
    };
    for (const [field, value] of Object.entries(optional)) {
      if (value !== undefined) Object.defineProperty(this, field, { value, enumerable: true });
    }
  }

  /** One line for a log: what happened, what to do, whom to ask. */
  get summary(): string {
    return `[${this.leg}] ${this.message} ${this.remedy} (contact: ${this.contact})`;
  }

  /** The error as plain data, without `cause` and stack: for logs. */
  toJSON(): CredenceErrorJson {
    const { name, message, code, leg, remedy, contact, retryable } = this;
    const { server, issuer, status, error, errorDescription, retryAfterSeconds, missingScopes } = this;
    return {
      name,
      code,
      leg,
      message,
      remedy,
      contact,
      retryable,
      ...(server !== undefined && { server }),
      ...(issuer !== undefined && { issuer }),
      ...(status !== undefined && { status }),
      ...(error !== undefined && { error }),
      ...(errorDescription !== undefined && { errorDescription }),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      ...(missingScopes !== undefined && { missingScopes }),
    };
  }
}

/** Two copies of the package may be loaded: recognised by shape rather than by class. */
export function isCredenceError(value: unknown): value is CredenceError {
  return (
    value instanceof CredenceError ||
    (value instanceof Error &&
      value.name === 'CredenceError' &&
      'leg' in value &&
      'remedy' in value &&
      'contact' in value)
  );
}

/**
 * The CredenceError that an error is, or was caused by: frameworks and the MCP SDKs wrap what `fetch` throws. Undefined where
 * there is none.
 */
export function credenceErrorIn(error: unknown): CredenceError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (isCredenceError(at)) return at;
  }
  return undefined;
}

/** Library errors hold response bodies, and those hold tokens: only what names the fault is kept. */
function harmlessCause(cause: unknown): Error {
  if (cause instanceof CredenceError) return cause;
  const kept = new Error(undefined);
  kept.name = 'Error';
  delete kept.stack;
  if (cause instanceof Error) {
    kept.name = cleanText(cause.name, { max: 60 });
    const code = errorCode(cause);
    kept.message = code ?? kept.name;
    if (code !== undefined) Object.defineProperty(kept, 'code', { value: code, enumerable: true });
  } else {
    kept.message = `a thrown ${typeof cause}`;
  }
  return kept;
}

/** The `code` of an error or of the errors it was caused by (`ECONNREFUSED` sits one level down in fetch's TypeError). */
export function errorCode(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Object && depth < 4; depth += 1) {
    const { code, cause } = at as { code?: unknown; cause?: unknown };
    if (typeof code === 'string' && /^[\w.-]{1,60}$/u.test(code)) return code;
    at = cause;
  }
  return undefined;
}
