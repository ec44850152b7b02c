import type { CredenceError } from '../errors/credence-error.ts';
import type { CredenceEvent, LegEvent } from '../runtime/events.ts';
import type { UntimedEvent } from '../runtime/runtime.ts';
import type { ServerSettings } from '../settings/settings.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import { clockWarnings, missingScopeWarnings, type Warning, wrongPathWarnings } from './hints.ts';
import type { Spoken } from './mcp-probe.ts';
import { describe, type Diagnosis, type DiagnosisStep } from './report.ts';

/** An event of the diagnosis. `method` is that of the MCP message for which it was emitted. */
export type SeenEvent = UntimedEvent & { readonly method?: string | undefined };

type SeenLeg = Omit<LegEvent, 'timeMs'> & { readonly method?: string | undefined };

/** The report of a diagnosis from its events and its result. */
export function compileReport(
  server: ServerSettings,
  events: readonly SeenEvent[],
  {
    token,
    spoken,
    error,
    warnings: hints = [],
  }: {
    token: AccessToken | undefined;
    spoken: Spoken | undefined;
    error?: CredenceError | undefined;
    warnings?: readonly Warning[] | undefined;
  },
): Diagnosis {
  const legs = events.filter((event): event is SeenLeg => event.type === 'leg');
  const steps = withVerdict(
    legs.map((event, index) => step(event, legs.slice(index + 1))),
    error,
  );
  const warnings: Warning[] = events
    .filter((event): event is Extract<CredenceEvent, { type: 'warning' }> => event.type === 'warning')
    .map(({ leg, message, remedy }) => ({ leg, message, remedy }));
  if (token) warnings.push(...missingScopeWarnings(server, token));
  warnings.push(...hints, ...clockWarnings(steps), ...(error ? wrongPathWarnings(server, steps, error) : []));
  const diagnosis = {
    server: server.name,
    url: server.url.href,
    flow: server.flow,
    ok: error === undefined,
    protocolVersion: spoken?.revision,
    steps,
    warnings: withoutRepetitions(warnings),
    leg: error?.leg,
    message: error?.message ?? `Server "${server.name}" accepts this bot.`,
    remedy: error?.remedy,
    contact: error?.contact,
    error,
    ...(token && {
      granted: {
        scopes: token.scopes,
        missingScopes: token.missingScopes,
        resource: token.resource,
        expiresAt: token.expiresAt,
      },
    }),
  };
  return Object.defineProperty({ ...diagnosis, toString: () => describe(diagnosis) }, 'toString', {
    enumerable: false,
  });
}

function step(event: SeenLeg, later: readonly SeenLeg[]): DiagnosisStep {
  const { leg, operation, endpoint, status, durationMs, clockSkewSeconds, code, error } = event;
  const succeededLater = later.some((next) => next.operation === operation && next.issuer === event.issuer && next.ok);
  return {
    leg,
    operation,
    method: leg === 'call' ? event.method : undefined,
    outcome: event.ok ? 'ok' : succeededLater ? 'passed over' : 'failed',
    endpoint,
    status,
    durationMs,
    clockSkewSeconds,
    code,
    error,
    peerText: event.peerText,
    causeCode: event.causeCode,
    retryAfterSeconds: event.retryAfterSeconds,
  };
}

/**
 * The last request to the MCP server has the result of the probe: the server can answer 200 with something that is not MCP, and the
 * event of the request does not say so. What the peer said is in the error.
 */
function withVerdict(steps: readonly DiagnosisStep[], error: CredenceError | undefined): readonly DiagnosisStep[] {
  if (error?.leg !== 'call') return steps;
  const last = steps.findLastIndex(({ leg }) => leg === 'call');
  const { code, error: oauthError, peerText, causeCode, retryAfterSeconds } = error;
  return steps.map((one, index) =>
    index === last
      ? {
          ...one,
          outcome: 'failed' as const,
          code,
          error: one.error ?? oauthError,
          peerText: one.peerText ?? peerText,
          causeCode: one.causeCode ?? causeCode,
          retryAfterSeconds: one.retryAfterSeconds ?? retryAfterSeconds,
        }
      : one,
  );
}

function withoutRepetitions(warnings: readonly Warning[]): readonly Warning[] {
  return warnings.filter(({ message }, index) => warnings.findIndex((other) => other.message === message) === index);
}
