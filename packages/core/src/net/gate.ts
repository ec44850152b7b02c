import {
  BodyTooLargeError,
  boundedRequest,
  fetchNamedBy,
  forbiddenAddressIn,
  environmentProxy,
  type JsonObject,
  parsedUrl,
  parseJsonObject,
  RequestTimeoutError,
} from '@credence/protocol';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { Contact, Leg } from '../errors/leg.ts';
import { isLastingOAuthError } from '../errors/oauth-error-codes.ts';
import type { LegEvent } from '../runtime/events.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { brokenFetch } from './broken-fetch.ts';
import { connectionFailure, proxyAuthentication, proxyRemedy } from './connection-failure.ts';
import { peerWords } from './response-body.ts';
import { sentSecrets } from './sent-secrets.ts';
import { certainDifferenceMs } from '../time/peer-clocks.ts';
import { forbiddenAddress } from './url-policy.ts';

/** The context of a request, for its events and errors. */
export interface About {
  readonly leg: Leg;
  readonly operation: LegEvent['operation'];
  /** Who administers the peer: `idp-admin` for the IdP, `server-owner` for an MCP server and its authorization server. */
  readonly contact: Contact;
  readonly server?: string | undefined;
  readonly issuer?: string | undefined;
  readonly attempt?: number | undefined;
  /** The path of the option that the URL comes from, such as `servers.linear.url`, for remedies. */
  readonly option?: string | undefined;
  /** The options that make the request unnecessary, such as `servers.linear.tokenEndpoint`, for remedies. */
  readonly pin?: string | undefined;
  /** The option with which the token endpoint of the issuer can be given another host, such as `servers.linear.tokenEndpoint`. */
  readonly endpointPin?: string | undefined;
  /** The configured URL of the peer whose metadata contains the requested URL. Undefined if the requested URL is configured. */
  readonly configuredUrl?: URL | undefined;
}

/** The response of a peer, read completely and within the limits, without a redirect. */
export interface Answer {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, if it is a JSON object and the content type is JSON or missing. */
  readonly json: JsonObject | undefined;
  /** Secrets in the request. The secrets are removed from every text of the peer. */
  readonly secrets: readonly string[];
  readonly durationMs: number;
}

const MAX_BODY_BYTES = 256 * 1024;
/** A smaller clock difference is not reported. */
const MIN_REPORTED_SKEW_SECONDS = 10;
/** The maximum length of a URL in events and errors. */
const MAX_URL = 200;
/** The operations that are requests to a token endpoint, whose response to an error has an OAuth error code. */
const TOKEN_OPERATIONS: ReadonlySet<About['operation']> = new Set([
  'client-credentials',
  'subject-token',
  'token-exchange',
  'jwt-bearer',
]);

/**
 * Sends one OAuth or metadata request and returns the response. The function follows no redirect, limits time and size, and
 * throws a CredenceError for every failure, 407, 429 and 5xx. A response with another status is returned; the caller checks it
 * and calls `report`. So is the response of a token endpoint with a 5xx and a registered OAuth error that will not pass.
 */
export async function send(runtime: Runtime, url: string, init: RequestInit, about: About): Promise<Answer> {
  const started = runtime.clock.monotonicMs();
  const caller = init.signal ?? undefined;
  const limits = { timeoutMs: runtime.timeout.requestMs, maxBytes: MAX_BODY_BYTES };
  const fetch =
    about.configuredUrl === undefined
      ? runtime.fetch
      : fetchNamedBy(about.configuredUrl, runtime.fetch, runtime.network);
  try {
    const { status, headers, text, isRedirect } = await boundedRequest(fetch, url, init, limits);
    const answer: Answer = {
      url,
      status,
      headers,
      text,
      json: isJsonContentType(headers) ? parseJsonObject(text) : undefined,
      secrets: sentSecrets(init),
      durationMs: runtime.clock.monotonicMs() - started,
    };
    noteClock(runtime, about, answer);
    const failure = failureByStatus(answer, isRedirect, about);
    if (failure) throw failure;
    return answer;
  } catch (error) {
    if (caller?.aborted && !isCredenceError(error)) {
      const reason = abortReason(caller.reason, about);
      if (isCredenceError(reason) && reason.code === 'timeout') {
        report(runtime, about, { url, durationMs: runtime.clock.monotonicMs() - started, failure: reason });
      }
      throw reason;
    }
    const failure = isCredenceError(error) ? error : toCredenceError(error, url, about, runtime);
    report(runtime, about, { url, durationMs: runtime.clock.monotonicMs() - started, failure, status: failure.status });
    throw failure;
  }
}

/** Emits the `leg` event of one request. `ok` of the event is false if `failure` is set. */
export function report(
  runtime: Runtime,
  about: About,
  outcome: {
    url: string;
    durationMs: number;
    status?: number | undefined;
    failure?: CredenceError | undefined;
    headers?: Headers;
  },
): void {
  if (!runtime.observed) return;
  runtime.emit({
    type: 'leg',
    leg: about.leg,
    operation: about.operation,
    server: about.server,
    issuer: about.issuer,
    endpoint: withoutQuery(outcome.url),
    attempt: about.attempt,
    durationMs: outcome.durationMs,
    status: outcome.status,
    ok: outcome.failure === undefined,
    code: outcome.failure?.code,
    error: outcome.failure?.error,
    peerText: outcome.failure?.peerText,
    causeCode: outcome.failure?.causeCode,
    retryAfterSeconds: outcome.failure?.retryAfterSeconds,
    clockSkewSeconds: outcome.headers ? clockSkewSeconds(outcome.headers, runtime) : undefined,
  });
}

/** The URL without its query, fragment, user name and password, for events and errors. At most 200 characters. */
export function withoutQuery(url: string): string {
  const bare = withoutUserInfo(url.replace(/[?#].*$/su, ''));
  return bare.length > MAX_URL ? `${bare.slice(0, MAX_URL - 1)}…` : bare;
}

function withoutUserInfo(bare: string): string {
  const parsed = parsedUrl(bare);
  if (parsed === undefined) return bare.replace(/\/\/[^/]*@/u, '//');
  if (parsed.username === '' && parsed.password === '') return bare;
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}

function failureByStatus(answer: Answer, isRedirect: boolean, about: About): CredenceError | undefined {
  const { status } = answer;
  const where = withoutQuery(answer.url);
  const base = {
    leg: about.leg,
    server: about.server,
    issuer: about.issuer,
    contact: about.contact,
    status,
    peerText: peerWords(answer),
  };
  if (isRedirect) return redirectRefused(answer, about);
  if (status === 407 || status === 511) {
    return new CredenceError({
      ...base,
      code: 'unreachable',
      message:
        status === 407
          ? `A proxy answered 407 instead of ${where}: it requires authentication.`
          : `A captive portal answered 511 instead of ${where}: this network requires a sign-in.`,
      remedy: status === 407 ? proxyAuthentication() : 'Sign in to the network of the machine of the bot.',
      contact: 'you',
    });
  }
  if (status === 429) {
    return new CredenceError({
      ...base,
      code: 'rate_limited',
      message: `${where} answered 429: too many requests.`,
      remedy: 'Wait, or ask for a higher limit.',
      retryable: true,
      retryAfterSeconds: retryAfterSeconds(answer.headers),
    });
  }
  // Some authorization servers send an OAuth error with a 5xx. Other errors there are those of a framework or a proxy.
  if (status < 500 || (TOKEN_OPERATIONS.has(about.operation) && isLastingOAuthError(answer.json?.['error'])))
    return undefined;
  const pins = about.pin === undefined ? '' : `, or set ${about.pin}, so that this document is not needed`;
  return new CredenceError({
    ...base,
    code: 'peer_unavailable',
    message: `${where} answered ${status}.`,
    remedy: `Try again later; if the error persists, contact the operator of that endpoint${pins}.`,
    retryable: true,
    retryAfterSeconds: retryAfterSeconds(answer.headers),
  });
}

function redirectRefused(answer: Answer, about: About): CredenceError {
  const where = withoutQuery(answer.url);
  const target = redirectTarget(answer);
  const isElsewhere = target !== undefined && target.host !== new URL(answer.url).host;
  const to = isElsewhere ? ' to another host' : '';
  const portal = isElsewhere
    ? ' A captive portal, a login page or a proxy that inspects requests redirects like this: check the network of the machine of the bot.'
    : '';
  return new CredenceError({
    code: 'redirect_refused',
    leg: about.leg,
    message: `${where} answered with a redirect (${answer.status})${to}, which is not followed because the request can contain a credential.`,
    remedy: `If the endpoint has moved, set ${about.option ?? 'the URL in the configuration'} to its new URL.${portal}`,
    contact: about.contact,
    server: about.server,
    issuer: about.issuer,
    status: answer.status,
    // The host is a word that the peer chose.
    peerText: isElsewhere ? `Location: ${target.host}` : undefined,
  });
}

function redirectTarget({ headers, url }: Answer): URL | undefined {
  const location = headers.get('location');
  return location === null ? undefined : parsedUrl(location, url);
}

function toCredenceError(error: unknown, url: string, about: About, runtime: Runtime): CredenceError {
  const where = withoutQuery(url);
  const base = { leg: about.leg, server: about.server, issuer: about.issuer, contact: about.contact, cause: error };
  if (error instanceof BodyTooLargeError) {
    return new CredenceError({
      ...base,
      code: 'response_too_large',
      message: `${where} sent more than ${MAX_BODY_BYTES} bytes.`,
      remedy: 'Check that the URL is the right endpoint; a valid answer is much shorter.',
    });
  }
  if (error instanceof RequestTimeoutError) {
    const proxy = environmentProxy(url, runtime.fetch);
    return new CredenceError({
      ...base,
      code: 'timeout',
      message: `${where} did not answer within ${runtime.timeout.requestMs} ms.`,
      remedy: `${proxy === undefined ? '' : `${proxyRemedy(proxy)} `}Check that it is up and reachable from this machine, or raise timeout.requestMs.`,
      contact: proxy === undefined ? about.contact : 'you',
      retryable: true,
    });
  }
  const forbidden = forbiddenAddressIn(error);
  if (forbidden) return forbiddenAddress(forbidden.kind, { ...about, what: `the host of ${where}` }, 'resolves to');
  const broken = brokenFetch(error, runtime, about);
  if (broken) return broken;
  const { code, reason, ...failure } = connectionFailure(error, {
    url,
    option: about.option ?? 'the host name',
    contact: about.contact,
    fetch: runtime.fetch,
  });
  return new CredenceError({
    ...base,
    code: 'unreachable',
    message: `${where} could not be reached${code === undefined ? '' : ` (${code})`}${reason === undefined ? '' : `: ${reason}`}.`,
    remedy: `${failure.remedy}${isHostUnknown(code) ? innerHostRemedy(about) : ''}`,
    contact: failure.contact,
    retryable: failure.retryable,
    status: failure.status,
  });
}

/** Whether the host may exist in another network only. */
function isHostUnknown(code: string | undefined): boolean {
  return (
    code !== undefined &&
    /^(?:ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|ENETUNREACH|EHOSTUNREACH|UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT)$/u.test(code)
  );
}

/** Inside a cluster an issuer often has another host than outside, and its issuer identifier has the outer one. */
function innerHostRemedy({ endpointPin }: About): string {
  if (endpointPin === undefined) return '';
  const issuer = endpointPin.replace(/tokenEndpoint$/u, 'issuer');
  return ` If the machine of the bot reaches the issuer under another host, keep ${issuer} and set ${endpointPin} to the URL of its token endpoint there.`;
}

/** The abort reason of the caller. The timeout of a whole acquisition is converted to a timeout of the leg in progress. */
export function abortReason(reason: unknown, about: Omit<About, 'operation'>): unknown {
  if (!isCredenceError(reason) || reason.code !== 'timeout') return reason;
  const { message, remedy, code, retryable } = reason;
  const { leg, contact, server, issuer } = about;
  const waiting = issuer === undefined ? '' : ` It was waiting for ${issuer}.`;
  return new CredenceError({ leg, contact, server, issuer, message: message + waiting, remedy, code, retryable });
}

function isJsonContentType(headers: Headers): boolean {
  const type = headers.get('content-type');
  return type === null || /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/iu.test(type.trim());
}

/** The wait of a `Retry-After` header in seconds. The header contains seconds or a date (RFC 9110 section 10.2.3). */
export function retryAfterSeconds(headers: Headers): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (value === undefined || value === '') return undefined;
  if (/^\d{1,9}$/u.test(value)) return Number(value);
  const at = /^[A-Za-z]{3,9},? /u.test(value) ? Date.parse(value) : Number.NaN;
  const sent = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(at)) return undefined;
  return Math.max(0, Math.ceil((at - (Number.isNaN(sent) ? Date.now() : sent)) / 1000));
}

/**
 * The time of the peer's clock by its Date header, in milliseconds since the epoch. A cache repeats the Date header of the response that
 * it has stored, and adds the age of that response (RFC 9111 section 5.1).
 */
export function peerTimeMs(headers: Headers): number | undefined {
  const sent = Date.parse(headers.get('date') ?? '');
  const age = headers.get('age')?.trim() ?? '0';
  return Number.isNaN(sent) || !/^\d{1,9}$/u.test(age) ? undefined : sent + Number(age) * 1000;
}

/** How far the peer's clock is ahead of ours, in seconds. Undefined without a Date header or for a small difference. */
export function clockSkewSeconds(headers: Headers, runtime: Runtime): number | undefined {
  const sent = peerTimeMs(headers);
  if (sent === undefined) return undefined;
  const skew = Math.round((sent - runtime.clock.wallMs()) / 1000);
  return Math.abs(skew) > MIN_REPORTED_SKEW_SECONDS ? skew : undefined;
}

/** Notes the time of an MCP server by its refusal of a call. A successful call is not worth the time to read its Date header. */
export function noteClockOfCall(runtime: Runtime, origin: string, headers: Headers): void {
  const sent = peerTimeMs(headers);
  if (sent !== undefined) runtime.peerClocks?.note(origin, sent);
}

function noteClock(
  runtime: Runtime,
  about: About,
  { url, headers, durationMs }: { url: string; headers: Headers; durationMs: number },
): void {
  const sent = peerTimeMs(headers);
  if (sent === undefined) return;
  // A cache can have stored metadata, so the Date header of another response counts more.
  const mayBeStored = about.leg === 'discover';
  runtime.peerClocks?.note(about.issuer ?? new URL(url).origin, sent, { durationMs, mayBeStored });
}

/**
 * How far the clock of an issuer is ahead of ours, in seconds, for the remedy of a refusal: by the Date header of the response (then also
 * a difference of two seconds is returned), or by its last response on any leg, or by the other peers if they agree.
 */
export function knownClockSkewSeconds(
  runtime: Runtime,
  issuer: string,
  answer: Pick<Answer, 'headers' | 'durationMs'>,
): number | undefined {
  const sent = peerTimeMs(answer.headers);
  if (sent === undefined) return runtime.peerClocks?.skewSeconds(issuer);
  const differenceMs = certainDifferenceMs(sent - runtime.clock.wallMs(), answer.durationMs);
  if (differenceMs === 0) return undefined;
  // A difference of two seconds can look like one and a half, because the header contains whole seconds.
  return Math.sign(differenceMs) * Math.ceil(Math.abs(differenceMs) / 1000 - 0.25);
}
