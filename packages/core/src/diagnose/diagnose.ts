import { scopesNotIn, waitFor } from '@credence/protocol';
import { fetchFor } from '../call/fetch-for.ts';
import type { Directory } from '../discovery/directory.ts';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { CredenceEvent, LegEvent } from '../runtime/events.ts';
import { flowFor } from '../flows/flow-for.ts';
import type { IdpSettings, ServerSettings } from '../settings/settings.ts';
import { ServerAccess } from '../call/server-access.ts';
import type { Runtime, UntimedEvent } from '../runtime/runtime.ts';
import { SubjectTokens } from '../flows/subject-tokens.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import { TokenManager } from '../tokens/token-manager.ts';
import { describe, type Diagnosis, type DiagnosisStep } from './report.ts';

/**
 * Runs every leg with the code that calls use, without cached tokens and metadata, and returns a report of the responses.
 * The tokens and metadata that are cached for callers are neither used nor changed.
 */
export async function diagnose(
  runtime: Runtime,
  { idp, server }: { idp: IdpSettings | undefined; server: ServerSettings },
  known: Directory,
  signal: AbortSignal | undefined,
): Promise<Diagnosis> {
  const events: UntimedEvent[] = [];
  const watched: Runtime = { ...runtime, observed: true, emit: (event) => void events.push(event) };
  const directory = known.withoutMetadata(watched);
  const subjects = new SubjectTokens(watched, idp, directory);
  const manager = new TokenManager(watched, undefined);
  const access = new ServerAccess(server, idp, flowFor(watched, { idp, server }, { directory, subjects }), manager);
  let token: AccessToken | undefined;
  let error: CredenceError | undefined;
  try {
    token = await access.token(undefined, signal);
    await sendPing(watched, access, signal);
  } catch (thrown) {
    if (!isCredenceError(thrown)) throw thrown;
    error = thrown;
  } finally {
    await manager.close();
  }
  return report(server, events, token, error);
}

/** Sends a ping with the token to check that the server accepts the token. Emits a warning for an unexpected status. */
async function sendPing(runtime: Runtime, access: ServerAccess, signal: AbortSignal | undefined): Promise<void> {
  const status = await pingStatus(runtime, access, signal).catch((error: unknown) => {
    if (!isCredenceError(error) || !wouldStepUp(error, access.settings)) throw error;
    const { name } = access.settings;
    const message = `Server "${name}" requires more scopes for a ping; a call would step up, a diagnosis does not.`;
    const remedy = `Add the scopes that every call needs to servers.${name}.scopes.`;
    runtime.emit({ type: 'warning', leg: 'call', server: name, message, remedy });
    return 403;
  });
  if (status < 500 && status !== 404 && !(status >= 300 && status < 400)) return;
  const { name, url } = access.settings;
  runtime.emit({
    type: 'warning',
    leg: 'call',
    server: name,
    message: `${url.href} accepted the token and answered ${status} to a ping.`,
    remedy:
      status >= 500
        ? `Ask the owner of server "${name}" whether the server works.`
        : `Check the path in servers.${name}.url: an MCP server does not answer a ping with this status.`,
  });
}

function wouldStepUp({ code, missingScopes = [] }: CredenceError, { stepUp }: ServerSettings): boolean {
  return code === 'insufficient_scope' && missingScopes.some((scope) => stepUp.includes(scope));
}

/** The status of the answer to a ping. Calls have no time limit, so the diagnosis sets one for a server that never answers. */
async function pingStatus(runtime: Runtime, access: ServerAccess, signal: AbortSignal | undefined): Promise<number> {
  const { name, url } = access.settings;
  const { totalMs } = runtime.timeout;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(pingTimeout(name, url, totalMs)), totalMs);
  const either = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal;
  try {
    const answer = fetchFor(runtime, access, { stepUp: false })(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 'credence-diagnose', method: 'ping' }),
      signal: either,
    });
    const response = await waitFor(answer, either);
    await response.body?.cancel().catch(() => undefined);
    return response.status;
  } finally {
    clearTimeout(timer);
  }
}

function pingTimeout(server: string, url: URL, totalMs: number): CredenceError {
  return new CredenceError({
    code: 'timeout',
    leg: 'call',
    message: `${url.href} did not answer a ping within ${totalMs} ms.`,
    remedy: `Check servers.${server}.url; if it is right, ask the owner of server "${server}" whether the server works.`,
    contact: 'server-owner',
    server,
    retryable: true,
  });
}

function report(
  server: ServerSettings,
  events: readonly UntimedEvent[],
  token: AccessToken | undefined,
  error: CredenceError | undefined,
): Diagnosis {
  const legs = events.filter((event): event is Omit<LegEvent, 'timeMs'> => event.type === 'leg');
  const warnings = events
    .filter((event): event is Extract<CredenceEvent, { type: 'warning' }> => event.type === 'warning')
    .map(({ leg, message, remedy }) => ({ leg, message, remedy }));
  if (token && token.missingScopes.length > 0) {
    warnings.push(...missingScopeWarnings(server, token));
  }
  const diagnosis = {
    server: server.name,
    url: server.url.href,
    flow: server.flow,
    ok: error === undefined,
    steps: legs.map((event, index) => step(event, legs.slice(index + 1))),
    warnings,
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

/** The warnings for scopes that were not granted, one for each peer that did not grant them. */
function missingScopeWarnings(server: ServerSettings, token: AccessToken): Diagnosis['warnings'] {
  const list = (scopes: readonly string[]) => scopes.map((scope) => `"${scope}"`).join(', ');
  const { missingScopes, withheldScopes, issuer } = token;
  const atIdp = scopesNotIn(missingScopes, withheldScopes);
  return [
    ...(atIdp.length === 0
      ? []
      : [
          {
            leg: 'exchange' as const,
            message: `${list(atIdp)} is configured and was not granted by the IdP.`,
            remedy: 'Ask for it to be granted at the IdP, or take it out of the configuration.',
          },
        ]),
    ...(withheldScopes.length === 0
      ? []
      : [
          {
            leg: 'redeem' as const,
            message: `${list(withheldScopes)} was requested and not granted by the authorization server ${issuer}.`,
            remedy: `Ask the owner of server "${server.name}" for it to be granted to this client at ${issuer}, or take it out of the configuration.`,
          },
        ]),
  ];
}

function step(event: Omit<LegEvent, 'timeMs'>, later: readonly Omit<LegEvent, 'timeMs'>[]): DiagnosisStep {
  const { leg, operation, endpoint, status, durationMs, clockSkewSeconds, code, error } = event;
  const succeededLater = later.some((next) => next.operation === operation && next.issuer === event.issuer && next.ok);
  return {
    leg,
    operation,
    outcome: event.ok ? 'ok' : succeededLater ? 'passed over' : 'failed',
    endpoint,
    status,
    durationMs,
    clockSkewSeconds,
    code,
    error,
  };
}
