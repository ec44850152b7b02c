import type { ErrorCode } from '../errors/codes.ts';
import type { CredenceError } from '../errors/credence-error.ts';
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
}

/** A report whether a server accepts the bot, and if not, why. The report contains no secret, so it can be copied into a ticket. */
export interface Diagnosis {
  /** The configured name of the server. */
  readonly server: string;
  /** The configured URL of the server. */
  readonly url: string;
  /** The flow that the server is configured for, `enterprise-managed` for example. */
  readonly flow: string;
  /** True if a token was granted and the server accepted it. */
  readonly ok: boolean;
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
  const lines = [`${diagnosis.server} (${diagnosis.url}), ${diagnosis.flow}`];
  for (const {
    leg,
    operation,
    outcome,
    endpoint,
    status,
    durationMs,
    clockSkewSeconds,
    code,
    error,
  } of diagnosis.steps) {
    const mark = { ok: 'ok  ', failed: 'FAIL', 'passed over': '-   ' }[outcome];
    const details = [
      endpoint,
      status !== undefined && `HTTP ${status}`,
      error ?? (outcome === 'failed' && code),
      `${Math.round(durationMs)} ms`,
      clockSkewSeconds !== undefined &&
        `its clock is ${Math.abs(clockSkewSeconds)} s ${clockSkewSeconds > 0 ? 'ahead of' : 'behind'} ours`,
    ];
    lines.push(`  ${mark} ${leg.padEnd(LEG_WIDTH)} ${operation}: ${details.filter(Boolean).join(', ')}`);
  }
  // The leg can fail without a failed request: a successful response has a wrong value, or no request was sent.
  const { leg: failedLeg, steps } = diagnosis;
  if (failedLeg !== undefined && !steps.some(({ leg, outcome }) => leg === failedLeg && outcome === 'failed')) {
    lines.push(`  FAIL ${failedLeg.padEnd(LEG_WIDTH)} see below`);
  }
  for (const { message, remedy } of diagnosis.warnings) lines.push(`  note: ${message} ${remedy}`);
  lines.push(diagnosis.message);
  if (diagnosis.error?.errorDescription !== undefined)
    lines.push(`Error description: "${diagnosis.error.errorDescription}"`);
  if (diagnosis.remedy !== undefined) lines.push(`What to do: ${diagnosis.remedy}`);
  if (diagnosis.contact !== undefined) lines.push(`Whom to ask: ${CONTACTS[diagnosis.contact]}`);
  return lines.join('\n');
}

const CONTACTS: Readonly<Record<Contact, string>> = {
  you: 'nobody, this is in your own configuration',
  'idp-admin': "the identity provider's administrator",
  'server-owner': "the MCP server's owner",
};
