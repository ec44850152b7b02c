import { withoutSecrets } from '@credence/protocol';
import type { CredenceError } from '../errors/credence-error.ts';
import { hasLearnedClock } from '../dpop/dpop-keys.ts';
import { type Challenge, type Challenges, readChallenges } from '../net/challenge.ts';
import { clockSkewSeconds, noteClockOfCall } from '../net/gate.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import { keyRequired, type ServerRefusal, tokenRefused } from '../tokens/failures.ts';
import type { Call, FetchContext } from './call.ts';
import { reportFailedCall } from './failed-call.ts';
import { forbidden, notAboutToken, stillInsufficient } from './failures.ts';
import { acceptsPing, isStreamOfPostingClient } from './optional-stream.ts';
import { isVersionProbe, methodOf } from './evidence.ts';
import { discard, startOfBody } from './response-body.ts';
import { serverRefusal } from './server-refusal.ts';
import { notApproved, scopesToAdd } from './step-up.ts';
import { acceptsInitialize, withoutDiscovery } from './version-probe.ts';

/** How many tokens of one call may end while the call is in flight. */
const MAX_ENDED_TOKENS = 10;

/**
 * The token for another attempt, the response that the caller gets instead of this one, or undefined if it gets this one. Throws for a
 * refusal.
 */
export function tokenForNextAttempt(
  context: FetchContext,
  call: Call,
  token: AccessToken,
  response: Response,
): Promise<AccessToken | Response> | undefined {
  const { access } = context;
  if (response.status === 401) return afterUnauthorized(context, call, token, response);
  if (response.status === 403) return afterForbidden(context, call, token, response);
  // A 2xx response, or a 4xx response other than 401, shows that the server accepted the token: a server validates the
  // token before it responds with 400, or with 404 for an unknown session id. A redirect or a 5xx response does not show
  // this.
  if (response.ok || (response.status >= 400 && response.status < 500)) access.accept(token);
  if (response.ok) access.evidence.acceptedRequest(call.init);
  if (call.failure) reportFailedCall(context, call.failure, call);
  else if (response.ok) access.lostSessions.succeeded(call.init);
  return undefined;
}

/** `body`: the start of the body, if it was already read. */
async function afterUnauthorized(
  context: FetchContext,
  call: Call,
  token: AccessToken,
  response: Response,
  body?: string,
): Promise<AccessToken | Response> {
  const { runtime, access, waiting } = context;
  const { init } = call;
  const challenges = readChallenges(response.headers);
  noteClockOfCall(runtime, access.settings.url.origin, response.headers);
  const hasEnded = endedMeanwhile(context, call, token);
  const isFinal = (call.replaced !== undefined && !hasEnded) || !canSendAgain(init);
  const isKnown = access.evidence.refusesOnlyRequest(init, token, runtime.clock.monotonicMs());
  if (token.type === 'DPoP' && !call.nonceUsed && hasError(challenges, 'use_dpop_nonce')) {
    await discard(response);
    call.nonceUsed = true;
    return token;
  }
  if (token.type === 'DPoP' && !call.clockUsed && canSendAgain(init) && hasWrongTime(context)) {
    await discard(response);
    call.clockUsed = true;
    return token;
  }
  // Events show what the server says, which can be in the body only.
  const isShown =
    runtime.observed && challenges.challenges.every(({ errorDescription }) => errorDescription === undefined);
  const read = body ?? (isFinal || isKnown || isShown ? await startOfBody(response) : undefined);
  if (read === undefined) await discard(response);
  const said = {
    ...serverRefusal(response, challenges, token, read),
    clockSkewSeconds: clockSkewSeconds(response.headers, runtime),
  };
  if (token.type === 'Bearer' && offersOnlyDpop(challenges.challenges)) throw keyRequired(token);
  if (isVersionProbe(init)) {
    if (isKnown) return withoutDiscovery(init);
    if (await acceptsInitialize(context, call, token)) {
      access.accept(token);
      access.evidence.refusedRequest(init, runtime.clock.monotonicMs());
      return withoutDiscovery(init);
    }
  }
  if (isKnown) throw notAboutToken(access.settings.name, token, methodOf(init), said);
  if (!isFinal && isStreamOfPostingClient(access, init) && (await acceptsPing(context, call, token))) {
    throw streamRefused(context, call, token, said);
  }
  if (call.replaced?.wasAccepted && !hasEnded) {
    // The server accepted the last token, and refuses a new one of the same issuer for the same request. The new one is kept: if it
    // is refused for another request too, it is dropped there.
    access.evidence.refusedRequest(init, runtime.clock.monotonicMs());
    throw tokenRefused(token, said);
  }
  const wasAccepted = access.evidence.hasAccepted(token);
  access.reject(token, said);
  if (isFinal) throw tokenRefused(token, said);
  // A token that has ended during the call is replaced without counting. It is no evidence that the server refuses new tokens.
  if (hasEnded) call.tokensEnded = (call.tokensEnded ?? 0) + 1;
  else call.replaced = { wasAccepted };
  call.nonceUsed = false;
  return waiting.during(init, (signal) => access.tokenForCall(signal));
}

/** The event stream by GET is optional, so a server without it is not at fault; but messages of the server do not arrive. */
function streamRefused(
  { runtime, access }: FetchContext,
  { init }: Call,
  token: AccessToken,
  said: ServerRefusal,
): CredenceError {
  const { name } = access.settings;
  runtime.emit({
    type: 'warning',
    server: name,
    leg: 'call',
    message: `Server "${name}" answers 401 to the GET of an event stream, and accepts the same token for POST.`,
    remedy: `Calls work. If you need messages that the server sends on its own, ask the owner of server "${name}".`,
  });
  access.evidence.accepted(token);
  access.evidence.refusedRequest(init, runtime.clock.monotonicMs());
  return notAboutToken(name, token, methodOf(init), said);
}

async function afterForbidden(
  context: FetchContext,
  call: Call,
  token: AccessToken,
  response: Response,
): Promise<AccessToken | Response> {
  const { access } = context;
  const { name } = access.settings;
  const challenges = readChallenges(response.headers);
  // RFC 6750 section 3.1 has 401 for this error. Some servers send 403.
  if (hasError(challenges, 'invalid_token')) return afterUnauthorized(context, call, token, response);
  const scopeChallenge = challenges.challenges.find(({ error }) => error === 'insufficient_scope');
  if (scopeChallenge) {
    const hasWords = scopeChallenge.errorDescription !== undefined;
    const start = hasWords ? await discard(response) : await startOfBody(response);
    access.accept(token);
    const said = serverRefusal(response, { ...challenges, challenges: [scopeChallenge] }, token, start ?? '');
    return afterInsufficientScope(context, call, token, { challenge: scopeChallenge, said });
  }
  const body = await startOfBody(response);
  const said = serverRefusal(response, challenges, token, body);
  if (said.error === 'invalid_token') return afterUnauthorized(context, call, token, response, body);
  access.accept(token);
  throw forbidden(name, token, said);
}

async function afterInsufficientScope(
  { runtime, access, options, waiting }: FetchContext,
  call: Call,
  token: AccessToken,
  { challenge, said }: { readonly challenge: Challenge; readonly said: ServerRefusal },
): Promise<AccessToken> {
  const { init } = call;
  const { name } = access.settings;
  const challenged = withoutSecrets(challenge.scopes ?? [], [token.value]);
  const added = scopesToAdd(challenged, token, access.settings, said);
  if (call.steppedUp || !canSendAgain(init)) throw stillInsufficient(name, token, added, said);
  call.steppedUp = true;
  call.nonceUsed = false;
  const stronger = await waiting.during(init, async (signal) => {
    const request = { server: name, scopes: added };
    const approved = options.stepUp !== false && (await options.approveStepUp?.(request)) !== false;
    if (!approved) throw notApproved(name, token, added, said);
    // The approval can take long, and the caller may have aborted the call during this time.
    signal.throwIfAborted();
    return access.stepUp(token, added, signal);
  });
  runtime.emit({ type: 'step-up', server: name, scopes: stronger.scopes });
  return stronger;
}

/**
 * Whether the token was valid when the call was sent, and has ended since: the call waited for longer than the token was valid. This
 * can happen several times to one of many calls to a busy server whose tokens live for seconds. True for ten tokens of a call at most.
 */
function endedMeanwhile({ runtime }: FetchContext, call: Call, { expiresAt }: AccessToken): boolean {
  const { sentAtMs = Infinity, tokensEnded = 0 } = call;
  const endMs = expiresAt.getTime();
  return sentAtMs < endMs && endMs <= runtime.clock.wallMs() && tokensEnded < MAX_ENDED_TOKENS;
}

/** Whether the response has shown that the proof of the request had a wrong time. */
function hasWrongTime({ runtime, access }: FetchContext): boolean {
  const { url, dpop } = access.settings;
  return dpop !== undefined && hasLearnedClock(url.origin, dpop.call, runtime);
}

function hasError({ challenges }: Challenges, code: string): boolean {
  return challenges.some(({ error }) => error === code);
}

/** Whether DPoP is the only scheme in the challenges (RFC 9449 section 7.1): the server accepts no bearer token. */
function offersOnlyDpop(challenges: readonly Challenge[]): boolean {
  return challenges.length > 0 && challenges.every(({ scheme }) => scheme === 'dpop');
}

/** Whether the request can be sent again. A stream can be sent only once. */
function canSendAgain({ body }: RequestInit): boolean {
  return !(body instanceof ReadableStream);
}
