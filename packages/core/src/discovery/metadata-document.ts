import type { JsonObject } from '@credence/protocol';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { type About, type Answer, report, send, stopped } from '../net/gate.ts';
import { retrying } from '../net/retrying.ts';
import type { Runtime } from '../runtime/runtime.ts';

export interface MetadataDocument {
  readonly url: string;
  readonly json: JsonObject;
}

/**
 * The first of `urls` that answers with a JSON object that `judge` accepts. A well-known path that is not there (4xx, HTML)
 * is passed over; one that cannot be reached is an error at once, so that a moment's outage does not pick another document.
 * When all fail, the most telling refusal of `judge` is thrown, else undefined is returned.
 */
export async function firstDocument<T>(
  runtime: Runtime,
  urls: readonly string[],
  about: About,
  signal: AbortSignal,
  judge: (document: MetadataDocument) => T | Promise<T>,
): Promise<T | undefined> {
  let refusal: CredenceError | undefined;
  let redirect: CredenceError | undefined;
  for (const url of urls) {
    let answer: Answer;
    try {
      answer = await retrying(runtime, signal, (attempt) => getJson(runtime, url, { ...about, attempt }, signal));
    } catch (error) {
      // between two attempts no request was under way that could have said whose time ran out
      if (signal.aborted && error === signal.reason) throw stopped(error, about);
      // a redirect is no outage: many hosts send any path they do not know to a login page
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
      const judging = judge({ url, json: answer.json });
      const judged = judging instanceof Promise ? await judging : judging;
      report(runtime, about, { ...answer, headers });
      return judged;
    } catch (error) {
      if (!isCredenceError(error)) throw error;
      report(runtime, about, { ...answer, headers, failure: error });
      refusal ??= error;
    }
  }
  const told = refusal ?? redirect;
  if (told) throw told;
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
    remedy: 'Another well-known path is tried.',
    contact: about.contact,
    server: about.server,
    issuer: about.issuer,
    status: answer.status,
  });
}
