import { cleanText, isError } from '@credence/protocol';
import type { ErrorCode } from './codes.ts';
import type { Contact, Leg } from './leg.ts';

/** A CredenceError as a plain object, without `cause` and stack. */
export interface CredenceErrorJson {
  /** Always `CredenceError`. */
  readonly name: 'CredenceError';
  /** What failed, as a constant that programs can compare. */
  readonly code: ErrorCode;
  /** The leg that failed. */
  readonly leg: Leg;
  /** What happened, in one sentence that Credence writes. The message never contains free text of a peer. */
  readonly message: string;
  /** What to do, in one sentence. */
  readonly remedy: string;
  /** Who can correct the cause. */
  readonly contact: Contact;
  /** Whether the same call may succeed later without a change of configuration or policy. */
  readonly retryable: boolean;
  /** The configured name of the MCP server that the error concerns. */
  readonly server?: string | undefined;
  /** The issuer identifier of the IdP or authorization server that the error concerns. */
  readonly issuer?: string | undefined;
  /** The HTTP status, if the peer answered. */
  readonly status?: number | undefined;
  /** The OAuth error code of the answer (RFC 6749 section 5.2). */
  readonly error?: string | undefined;
  /** The `error_description` of the peer. Control characters and tokens are removed, and long text is cut. */
  readonly errorDescription?: string | undefined;
  /**
   * What the peer said, in its own words: an `error_description`, the `title` and `detail` of problem+json (RFC 9457), the message
   * of a JSON-RPC error, or the start of a text body. Control characters and tokens are removed, and it has at most 300 characters.
   */
  readonly peerText?: string | undefined;
  /** The code of the cause, such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`. */
  readonly causeCode?: string | undefined;
  /** The time to wait that the peer sent in `Retry-After`, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
  /** For `insufficient_scope`, `scope_not_granted` and `scope_outside_ceiling`: the scopes that are missing. */
  readonly missingScopes?: readonly string[] | undefined;
}

/**
 * The error that Credence throws for every refusal, wrong configuration and failure.
 *
 * Credence writes `message` and `remedy`. Both are safe to log and to show to a model. `errorDescription` and `peerText` are text
 * of the peer; control characters and tokens are removed from them. No field contains a token, key, assertion or secret. Of an error of a
 * library, `cause` keeps only the name and the code.
 */
export class CredenceError extends Error {
  /** Always `CredenceError`, also if two copies of this package are loaded. */
  override readonly name = 'CredenceError';
  /** What failed, as a constant that programs can compare; see {@link ERROR_CODES}. */
  readonly code: ErrorCode;
  /** The leg that failed. */
  readonly leg: Leg;
  /** What to do, in one sentence. */
  readonly remedy: string;
  /** Who can correct the cause: `you`, `idp-admin` or `server-owner`. */
  readonly contact: Contact;
  /** Whether the same call may succeed later without a change of configuration or policy. */
  readonly retryable: boolean;
  /** The configured name of the MCP server that the error concerns. */
  declare readonly server?: string;
  /** The issuer identifier of the IdP or authorization server that the error concerns. */
  declare readonly issuer?: string;
  /** The HTTP status, if the peer answered. */
  declare readonly status?: number;
  /** The OAuth error code of the answer (RFC 6749 section 5.2). */
  declare readonly error?: string;
  /**
   * The `error_description` of the peer. Control characters and tokens are removed, and long text is cut. Do not show it to a
   * model.
   */
  declare readonly errorDescription?: string;
  /**
   * What the peer said, in its own words: an `error_description`, the `title` and `detail` of problem+json (RFC 9457), the message
   * of a JSON-RPC error, or the start of a text body. Control characters and tokens are removed, and it has at most 300 characters.
   * The text is for operators: it is never part of `message`, `remedy` and `summary`. Do not show it to a model.
   */
  declare readonly peerText?: string;
  /** The code of the cause, such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`. */
  declare readonly causeCode?: string;
  /** The time to wait that the peer sent in `Retry-After`, in seconds. */
  declare readonly retryAfterSeconds?: number;
  /** For `insufficient_scope`, `scope_not_granted` and `scope_outside_ceiling`: the scopes that are missing. */
  declare readonly missingScopes?: readonly string[];

  constructor(
    init: Omit<CredenceErrorJson, 'name' | 'retryable'> & {
      readonly retryable?: boolean | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(init.message, init.cause === undefined ? undefined : { cause: causeWithoutSecrets(init.cause) });
    this.code = init.code;
    this.leg = init.leg;
    this.remedy = init.remedy;
    this.contact = init.contact;
    this.retryable = init.retryable ?? false;
    const peerText = init.peerText ?? init.errorDescription;
    const optional = {
      server: init.server,
      issuer: init.issuer,
      status: init.status,
      error: init.error,
      errorDescription: init.errorDescription === undefined ? undefined : cleanText(init.errorDescription),
      peerText: peerText === undefined ? undefined : cleanText(peerText) || undefined,
      causeCode: init.causeCode ?? causeCode(init.cause),
      retryAfterSeconds: init.retryAfterSeconds,
      missingScopes: init.missingScopes,
    };
    for (const [field, value] of Object.entries(optional)) {
      if (value !== undefined) Object.defineProperty(this, field, { value, enumerable: true });
    }
  }

  /** One line for a log: the leg, the message, the remedy and the contact. */
  get summary(): string {
    return `[${this.leg}] ${this.message} ${this.remedy} (contact: ${this.contact})`;
  }

  /** The error as a plain object for logs, without `cause` and stack. */
  toJSON(): CredenceErrorJson {
    const { name, message, code, leg, remedy, contact, retryable } = this;
    const { server, issuer, status, error, errorDescription, peerText, retryAfterSeconds, missingScopes } = this;
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
      ...(peerText !== undefined && { peerText }),
      ...(this.causeCode !== undefined && { causeCode: this.causeCode }),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      ...(missingScopes !== undefined && { missingScopes }),
    };
  }
}

/**
 * Whether `value` is a CredenceError. Also true for an error that another loaded copy of this package created: such an
 * error is recognised by its name and members.
 */
export function isCredenceError(value: unknown): value is CredenceError {
  return (
    value instanceof CredenceError ||
    (isError(value) && value.name === 'CredenceError' && 'leg' in value && 'remedy' in value && 'contact' in value)
  );
}

/**
 * The CredenceError that `error` is, that caused it, or that is the `data` of a JSON-RPC error. Frameworks and the MCP SDKs wrap the
 * errors that `fetch` throws.
 * Undefined if there is none.
 */
export function credenceErrorIn(error: unknown): CredenceError | undefined {
  for (let at = error, depth = 0; isError(at) && depth < 5; at = at.cause, depth += 1) {
    if (isCredenceError(at)) return at;
    // The JSON-RPC error of an MCP SDK. Data that a server sends is JSON, which contains no Error.
    if ('data' in at && isCredenceError(at.data)) return at.data;
  }
  return undefined;
}

/** The error of a library can contain a response body with tokens. Only its name and code are cleaned. */
function causeWithoutSecrets(cause: unknown): Error {
  if (cause instanceof CredenceError) return cause;
  const cleaned = new Error(undefined);
  cleaned.name = 'Error';
  delete cleaned.stack;
  if (isError(cause)) {
    cleaned.name = cleanText(cause.name, { max: 60 });
    const code = errorCode(cause);
    cleaned.message = code ?? cleaned.name;
    if (code !== undefined) Object.defineProperty(cleaned, 'code', { value: code, enumerable: true });
  } else {
    cleaned.message = `a thrown ${typeof cause}`;
  }
  return cleaned;
}

/** The code of the cause. Of a CredenceError it is the code of that error's own cause. */
function causeCode(cause: unknown): string | undefined {
  return isCredenceError(cause) ? cause.causeCode : errorCode(cause);
}

/** The `code` of an error or of its causes. Node's fetch throws a TypeError whose `cause` has a code such as `ECONNREFUSED`. */
export function errorCode(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; typeof at === 'object' && at !== null && depth < 4; depth += 1) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && /^[\w.-]{1,60}$/u.test(code)) return code;
    at = causeOf(at);
  }
  return undefined;
}

/** The cause of an error, or the first of the errors of an AggregateError, which has one for each address of a host. */
export function causeOf(error: object): unknown {
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  return cause ?? (Array.isArray(errors) ? (errors[0] as unknown) : undefined);
}
