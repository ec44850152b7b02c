import type { ErrorCode } from '../errors/codes.ts';
import type { CredenceError } from '../errors/credence-error.ts';
import type { Contact, Leg } from '../errors/leg.ts';
import type { LegEvent } from '../runtime/events.ts';

/** What one peer answered to one question. */
export interface DiagnosisStep {
  /** The leg that this step is part of. */
  readonly leg: Leg;
  /** What was requested. */
  readonly operation: LegEvent['operation'];
  /** `passed over`: a well-known path that was not there, or a try that a later one made good. */
  readonly outcome: 'ok' | 'failed' | 'passed over';
  /** The URL that was asked, without its query. Undefined where it was not known. */
  readonly endpoint?: string | undefined;
  /** The HTTP status of the answer, where there was one. */
  readonly status?: number | undefined;
  /** How long the step took, in milliseconds. */
  readonly durationMs: number;
  /** How far the peer's Date header is ahead of our wall clock, in seconds, where that is more than ten. */
  readonly clockSkewSeconds?: number | undefined;
  /** What it came to here, where it failed: `timeout`, `unreachable`, ... */
  readonly code?: ErrorCode | undefined;
  /** The OAuth error, where there was one. */
  readonly error?: string | undefined;
}

/** Why a bot gets in at a server or does not. Holds no secret: it can be pasted into a ticket. */
export interface Diagnosis {
  /** The configured name of the server. */
  readonly server: string;
  /** The configured URL of the server. */
  readonly url: string;
  /** The flow that the server is configured for, `enterprise-managed` for example. */
  readonly flow: string;
  /** True when a token was granted. */
  readonly ok: boolean;
  /** In the order they were asked. */
  readonly steps: readonly DiagnosisStep[];
  /** Worth a look although nothing failed by it. */
  readonly warnings: readonly { leg: Leg; message: string; remedy: string }[];
  /** The leg that failed. */
  readonly leg?: Leg | undefined;
  /** What it comes down to, what to do and whom to ask. */
  readonly message: string;
  /** What to do, in a sentence. Present where `ok` is false. */
  readonly remedy?: string | undefined;
  /** Who can do it. Present where `ok` is false. */
  readonly contact?: Contact | undefined;
  /** The error that `token()` would throw. Present where `ok` is false. */
  readonly error?: CredenceError | undefined;
  /** What was granted, where something was. */
  readonly granted?: { scopes: readonly string[]; missingScopes: readonly string[]; resource: string; expiresAt: Date };
  /** The whole report as lines for a person. */
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
  // What was answered well and could not be used, or was never asked, has no line of its own that says FAIL.
  const { leg: ended, steps } = diagnosis;
  if (ended !== undefined && !steps.some(({ leg, outcome }) => leg === ended && outcome === 'failed')) {
    lines.push(`  FAIL ${ended.padEnd(LEG_WIDTH)} see below`);
  }
  for (const { message, remedy } of diagnosis.warnings) lines.push(`  note: ${message} ${remedy}`);
  lines.push(diagnosis.message);
  if (diagnosis.error?.errorDescription !== undefined) lines.push(`Their words: "${diagnosis.error.errorDescription}"`);
  if (diagnosis.remedy !== undefined) lines.push(`What to do: ${diagnosis.remedy}`);
  if (diagnosis.contact !== undefined) lines.push(`Whom to ask: ${CONTACTS[diagnosis.contact]}`);
  return lines.join('\n');
}

const CONTACTS: Readonly<Record<Contact, string>> = {
  you: 'nobody, this is in your own configuration',
  'idp-admin': "the identity provider's administrator",
  'server-owner': "the MCP server's owner",
};
