import {
  boundedRequest,
  cleanText,
  defaultFetch,
  failureOf,
  type FetchUrl,
  judgeConfiguredUrl,
} from '@credence/protocol';
import { tokenUnavailable } from './errors.ts';
import { fieldName, textAt } from './jwt.ts';

const MAX_BYTES = 256 * 1024;
const TIMEOUT_MS = 5_000;
/** The pauses before the second and the third attempt, in milliseconds. */
const PAUSES_MS = [100, 300];

/** A request to a platform. */
export interface PlatformRequest {
  readonly platform: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The member of the JSON answer that contains the token. Undefined: the answer is the token itself. */
  readonly field?: string | readonly string[] | undefined;
  readonly fetch?: FetchUrl | undefined;
  /** The time limit of one attempt. */
  readonly timeoutMs?: number | undefined;
  readonly signal: AbortSignal;
  /** What to do if the platform answers with this status. */
  readonly remedy: (status: number | undefined) => string;
}

/** Why a URL must not be requested, or undefined. The reason does not contain the URL, which may contain a secret. */
export function urlFault(url: string): string | undefined {
  const { fault } = judgeConfiguredUrl(url);
  if (fault === undefined) return undefined;
  return fault === 'user-info' ? 'contains a user name or password' : 'is neither https nor on loopback';
}

/**
 * The text that the platform answers. A connection failure, 429 and 5xx are tried again, twice. Follows no redirect. Throws
 * `credential_unavailable`; the error contains nothing of the answer, the query or the headers.
 */
export async function textFromPlatform(request: PlatformRequest): Promise<string> {
  for (const pauseMs of PAUSES_MS) {
    const outcome = await attempt(request);
    if (typeof outcome === 'string') return outcome;
    if (!outcome.mayPass) throw outcome.error;
    await pause(pauseMs, request.signal);
  }
  const last = await attempt(request);
  if (typeof last === 'string') return last;
  throw last.error;
}

interface Failure {
  readonly error: Error;
  readonly mayPass: boolean;
}

async function attempt(request: PlatformRequest): Promise<string | Failure> {
  const { platform, url, headers = {}, field, fetch = defaultFetch, timeoutMs = TIMEOUT_MS, signal } = request;
  const { origin, pathname } = new URL(url);
  const endpoint = cleanText(`${origin}${pathname}`, { max: 200 });
  const failure = (
    what: string,
    { status, mayPass = false }: { status?: number; mayPass?: boolean } = {},
  ): Failure => ({
    error: tokenUnavailable(
      platform,
      `${endpoint} ${what}.`,
      request.remedy(status),
      status === undefined ? {} : { status },
    ),
    mayPass,
  });
  let answer;
  try {
    answer = await boundedRequest(fetch, url, { headers: { ...headers }, signal }, { timeoutMs, maxBytes: MAX_BYTES });
  } catch (error) {
    signal.throwIfAborted();
    const reason = failureOf(error);
    return failure(`did not answer: ${reason}`, { mayPass: /^E|^UND_ERR/u.test(reason) });
  }
  const { status, isRedirect, text } = answer;
  if (isRedirect) return failure('answered with a redirect, which is not followed', { status });
  if (status !== 200) return failure(`answered ${status}`, { status, mayPass: status === 429 || status >= 500 });
  const token = field === undefined ? text : textAt(text, field);
  return token ?? failure(`answered without a text in the JSON field ${fieldName(field ?? '')}`, { status });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
