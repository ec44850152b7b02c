import type { ErrorCode } from '../errors/codes.ts';
import type { CredenceError } from '../errors/credence-error.ts';
import { isRegisteredErrorCode } from '../errors/oauth-error-codes.ts';
import type { Contact, Leg } from '../errors/leg.ts';
import type { LegEvent } from '../runtime/events.ts';

/** One request of a diagnosis and its result. */
export interface DiagnosisStep {
  /** The leg that this step is part of. */
  readonly leg: Leg;
  /** The kind of request. */
  readonly operation: LegEvent['operation'];
  /** `passed over`: the request failed, for example for a well-known path that does not exist, and a later one succeeded. */
  readonly outcome: 'ok' | 'failed' | 'passed over';
  /** For a request to the MCP server: the method of the MCP message, or `GET` for an event stream of revision 2024-11-05. */
  readonly method?: string | undefined;
  /** The URL of the request, without its query. */
  readonly endpoint?: string | undefined;
  /** The HTTP status, if the peer answered. */
  readonly status?: number | undefined;
  /** The duration of the request, in milliseconds. */
  readonly durationMs: number;
  /** How far the peer's Date header is ahead of our wall clock, in seconds, if the difference is more than ten seconds. */
  readonly clockSkewSeconds?: number | undefined;
  /** The code of the CredenceError if the request failed: `timeout`, `unreachable`, ... */
  readonly code?: ErrorCode | undefined;
  /** The OAuth error code, if the peer sent one. */
  readonly error?: string | undefined;
  /** If the request failed: what the peer said, in its own words, cleaned and at most 300 characters. Do not show it to a model. */
  readonly peerText?: string | undefined;
  /** If the request failed: the code of the cause, such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`. */
  readonly causeCode?: string | undefined;
  /** If the request failed: the time to wait that the peer sent in `Retry-After`, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
}

/** A report whether a server accepts the bot, and if not, why. The report contains no secret, so it can be copied into a ticket. */
export interface Diagnosis {
  /** The configured name of the server. */
  readonly server: string;
  /** The configured URL of the server. */
  readonly url: string;
  /** The flow that the server is configured for, `enterprise-managed` for example. */
  readonly flow: string;
  /**
   * True if a token was granted, the server accepted it, and the server answered a message of MCP. Also true if the server requires
   * more scopes, which a call would add by a step-up; `protocolVersion` is then missing.
   */
  readonly ok: boolean;
  /** The revision of MCP that the server and a client use, such as `2025-11-25`. Present if the server answered a message of MCP. */
  readonly protocolVersion?: string | undefined;
  /** The requests, in the order in which they ended. */
  readonly steps: readonly DiagnosisStep[];
  /** Problems that did not make the diagnosis fail. */
  readonly warnings: readonly { leg: Leg; message: string; remedy: string }[];
  /** The leg that failed. */
  readonly leg?: Leg | undefined;
  /** The result, in one sentence. */
  readonly message: string;
  /** What to do, in one sentence. Present if `ok` is false. */
  readonly remedy?: string | undefined;
  /** Who can correct the cause. Present if `ok` is false. */
  readonly contact?: Contact | undefined;
  /** The error that ended the diagnosis. Present if `ok` is false. */
  readonly error?: CredenceError | undefined;
  /** The granted token without its value. Present if a token was granted. */
  readonly granted?: { scopes: readonly string[]; missingScopes: readonly string[]; resource: string; expiresAt: Date };
  /** The report as text of several lines. */
  toString(): string;
}

const LEG_WIDTH = 12;

export function describe(diagnosis: Omit<Diagnosis, 'toString'>): string {
  const lines = [`${diagnosis.server} (${diagnosis.url}), ${diagnosis.flow}`, ...diagnosis.steps.flatMap(linesOf)];
  // The leg can fail without a failed request: a successful response has a wrong value, or no request was sent.
  const { leg: failedLeg, steps, error } = diagnosis;
  if (failedLeg !== undefined && !steps.some(({ leg, outcome }) => leg === failedLeg && outcome === 'failed')) {
    lines.push(`  FAIL ${failedLeg.padEnd(LEG_WIDTH)} ${error?.code ?? 'failed'}: ${diagnosis.message}`);
  }
  for (const { message, remedy } of diagnosis.warnings) lines.push(`  note: ${message} ${remedy}`);
  lines.push(diagnosis.message);
  // A text that a step has shown is not repeated.
  const isShown = steps.some(({ outcome, peerText }) => outcome === 'failed' && peerText === error?.peerText);
  if (error?.errorDescription !== undefined) lines.push(`Error description: "${error.errorDescription}"`);
  else if (error?.peerText !== undefined && !isShown) lines.push(`The peer said: "${error.peerText}"`);
  if (diagnosis.remedy !== undefined) lines.push(`What to do: ${diagnosis.remedy}`);
  if (diagnosis.contact !== undefined) lines.push(`Whom to ask: ${CONTACTS[diagnosis.contact]}`);
  return lines.join('\n');
}

/** The line of a request, and for a failed one a line with the peer's own words. */
function linesOf(step: DiagnosisStep): readonly string[] {
  const { leg, operation, method, outcome, endpoint, status, durationMs, clockSkewSeconds: skew, code, error } = step;
  const { peerText, causeCode, retryAfterSeconds } = step;
  const mark = { ok: 'ok  ', failed: 'FAIL', 'passed over': '-   ' }[outcome];
  const details = [
    endpoint,
    status !== undefined && `HTTP ${status}`,
    // Another code is a word of the peer, which is marked as such.
    error !== undefined && isRegisteredErrorCode(error) ? error : outcome === 'failed' && code,
    error !== undefined && !isRegisteredErrorCode(error) && `its error code: "${error}"`,
    outcome !== 'ok' && causeCode,
    retryAfterSeconds !== undefined && `it asks to wait ${retryAfterSeconds} s`,
    `${Math.round(durationMs)} ms`,
    skew !== undefined && `its clock is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} ours`,
  ];
  const line = `  ${mark} ${leg.padEnd(LEG_WIDTH)} ${method ?? operation}: ${details.filter(Boolean).join(', ')}`;
  return outcome === 'ok' || peerText === undefined ? [line] : [line, `       the peer said: "${peerText}"`];
}

const CONTACTS: Readonly<Record<Contact, string>> = {
  you: 'nobody, this is in your own configuration',
  'idp-admin': "the identity provider's administrator",
  'server-owner': "the MCP server's owner",
};
