import type { JsonObject } from '@credence/protocol';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { type About, abortReason, type Answer, report, send } from '../net/gate.ts';
import { retrying } from '../net/retrying.ts';
import type { Runtime } from '../runtime/runtime.ts';

export interface MetadataDocument {
  readonly url: string;
  readonly json: JsonObject;
}

/**
 * Requests `urls` one after the other and returns the result of `accept` for the first JSON object that `accept` does not refuse.
 * A URL that answers 4xx, a redirect or something that is not JSON is skipped. A URL that cannot be reached is an error at once:
 * otherwise a short outage would select another document. If no document is accepted, the first error of `accept` is thrown, else
 * the first redirect error; without either, the result is undefined.
 */
export async function firstDocument<T>(
  runtime: Runtime,
  urls: readonly string[],
  about: About,
  signal: AbortSignal,
  accept: (document: MetadataDocument) => T | Promise<T>,
): Promise<T | undefined> {
  let refusal: CredenceError | undefined;
  let redirect: CredenceError | undefined;
  for (const url of urls) {
    let answer: Answer;
    try {
      answer = await retrying(runtime, signal, (attempt) => getJson(runtime, url, { ...about, attempt }, signal));
    } catch (error) {
      // The caller aborted between two attempts, so `send` could not add the leg to the error.
      if (signal.aborted && error === signal.reason) throw abortReason(error, about);
      // Many hosts redirect unknown paths to a login page, so the next URL is tried.
      if (!isCredenceError(error) || error.code !== 'redirect_refused') throw error;
      redirect ??= error;
      continue;
    }
    const headers = answer.headers;
    if (answer.status !== 200 || answer.json === undefined) {
      report(runtime, about, { ...answer, failure: notADocument(answer, about) });
      continue;
    }
    try {
      const accepting = accept({ url, json: answer.json });
      const accepted = accepting instanceof Promise ? await accepting : accepting;
      report(runtime, about, { ...answer, headers });
      return accepted;
    } catch (error) {
      if (!isCredenceError(error)) throw error;
      report(runtime, about, { ...answer, headers, failure: error });
      refusal ??= error;
    }
  }
  const error = refusal ?? redirect;
  if (error) throw error;
  return undefined;
}

async function getJson(runtime: Runtime, url: string, about: About, signal: AbortSignal): Promise<Answer> {
  return send(runtime, url, { method: 'GET', headers: { accept: 'application/json' }, signal }, about);
}

function notADocument(answer: Answer, about: About): CredenceError {
  return new CredenceError({
    code: 'metadata_not_found',
    leg: about.leg,
    message: `${answer.url} answered ${answer.status}${answer.status === 200 ? ' with something that is not JSON' : ''}.`,
    remedy: 'Nothing to do: the next well-known path is tried.',
    contact: about.contact,
    server: about.server,
    issuer: about.issuer,
    status: answer.status,
  });
}
