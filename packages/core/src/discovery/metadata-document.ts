import type { JsonObject } from '@credence/protocol';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { type About, abortReason, type Answer, report, send, withoutQuery } from '../net/gate.ts';
import { isHtml, isMisnamedJson, kindOfBody, peerWords } from '../net/response-body.ts';
import { retrying } from '../net/retrying.ts';
import type { Runtime } from '../runtime/runtime.ts';

export interface MetadataDocument {
  readonly url: string;
  readonly json: JsonObject;
}

/** The accepted document, or the failure that says most about why there is none. */
export type Documents<T> = { readonly value: T; readonly failure?: undefined } | { readonly failure: CredenceError };

interface Options<T> {
  /** Checks a document. Throws a CredenceError for one that may not be used. */
  readonly accept: (document: MetadataDocument) => T | Promise<T>;
  /**
   * Whether no other document can be the right one. If an earlier URL answered 5xx, a value that is not certain is used only after
   * all retries: a short outage must not select another document. Default: every value is certain.
   */
  readonly isCertain?: (value: T) => boolean;
}

/**
 * Requests `urls` one after the other and returns the result of `accept` for the first JSON object that `accept` does not refuse. A
 * URL with another response is skipped, also one with a 5xx: a proxy may fail for one path only. A URL that cannot be reached, times
 * out or answers 429 is an error at once: the others are on the same host. If no document is accepted and a URL answered 5xx, all are
 * requested again.
 */
export async function firstDocument<T>(
  runtime: Runtime,
  urls: readonly string[],
  about: About,
  signal: AbortSignal,
  options: Options<T>,
): Promise<Documents<T>> {
  let last: { readonly documents: Documents<T>; readonly unsure?: CredenceError | undefined } | undefined;
  try {
    return await retrying(runtime, signal, async (attempt) => {
      last = undefined;
      last = await requestAll(runtime, urls, { ...about, attempt }, signal, options);
      const retryable = last.documents.failure ?? last.unsure;
      if (retryable?.retryable === true) throw retryable;
      return last.documents;
    });
  } catch (error) {
    // The caller aborted between two attempts, so `send` could not add the leg to the error.
    if (signal.aborted && error === signal.reason) throw abortReason(error, about);
    if (last !== undefined && (error === last.documents.failure || error === last.unsure)) return last.documents;
    throw error;
  }
}

async function requestAll<T>(
  runtime: Runtime,
  urls: readonly string[],
  about: About,
  signal: AbortSignal,
  { accept, isCertain = () => true }: Options<T>,
): Promise<{ documents: Documents<T>; unsure?: CredenceError | undefined }> {
  const failures: CredenceError[] = [];
  for (const url of urls) {
    let answer: Answer;
    try {
      answer = await send(runtime, url, { method: 'GET', headers: { accept: 'application/json' }, signal }, about);
    } catch (error) {
      if (!isCredenceError(error) || !['redirect_refused', 'peer_unavailable'].includes(error.code)) throw error;
      failures.push(error);
      continue;
    }
    try {
      if (answer.status !== 200 || answer.json === undefined) throw notADocument(answer, about);
      const accepting = accept({ url, json: answer.json });
      const value = accepting instanceof Promise ? await accepting : accepting;
      report(runtime, about, { ...answer });
      const unavailable = failures.find(({ code }) => code === 'peer_unavailable');
      return { documents: { value }, unsure: isCertain(value) ? undefined : unavailable };
    } catch (error) {
      if (!isCredenceError(error)) throw error;
      report(runtime, about, { ...answer, failure: error });
      failures.push(error);
    }
  }
  const [failure] = failures.sort((a, b) => rankOf(a) - rankOf(b));
  if (failure === undefined) throw new Error('there is no URL to request');
  return { documents: { failure } };
}

/**
 * How much a failure says, from 0: a document that is refused, or an outage; a document that is not served as JSON; a redirect, which
 * is often a login page for all unknown paths; a page instead of a document; any other status.
 */
function rankOf({ code, status }: CredenceError): number {
  if (code === 'redirect_refused') return 2;
  if (code !== 'metadata_not_found') return code === 'invalid_response' && status === 200 ? 1 : 0;
  if (status === 200) return 3;
  return status === 404 || status === 410 ? 5 : 4;
}

function notADocument(answer: Answer, about: About): CredenceError {
  const base = { leg: about.leg, server: about.server, issuer: about.issuer, status: answer.status } as const;
  const where = withoutQuery(answer.url);
  const pins = about.pin === undefined ? 'the values in the configuration' : about.pin;
  if (answer.status === 200 && isMisnamedJson(answer)) {
    return new CredenceError({
      ...base,
      code: 'invalid_response',
      message: `${where} answered with ${kindOfBody(answer)}.`,
      remedy: `Ask for the document to be served as application/json; until then set ${pins}.`,
      contact: about.contact,
    });
  }
  const isPage = answer.status === 200 && isHtml(answer);
  return new CredenceError({
    ...base,
    code: 'metadata_not_found',
    message: `${where} answered ${answer.status}${answer.status === 200 ? ` with ${kindOfBody(answer)}${isPage ? ', as a captive portal, a login page or a proxy does' : ''}` : ''}.`,
    remedy: isPage
      ? `Open the URL on the machine of the bot. If a captive portal or a proxy answers, correct its network; if it is the peer, set ${pins}.`
      : `Check ${about.option ?? 'the URL'}; if it is right, set ${pins}.`,
    contact: isPage ? 'you' : about.contact,
    peerText: peerWords(answer),
  });
}
