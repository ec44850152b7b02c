import { waitFor } from '@credence/protocol';
import { nonEmpty, unavailable } from '../credentials/checks.ts';
import { isCredenceError } from '../errors/credence-error.ts';
import type { SubjectTokenSource, TokenGetter } from './subject.ts';

const getterSources = new WeakSet<SubjectTokenSource>();

/** Whether `fromGetter` has made the source, so that its function must be called for each acquisition. */
export function callsGetter(source: SubjectTokenSource): boolean {
  return getterSources.has(source);
}

/** A source that calls a function of the application for each token. The application decides when its token is renewed. */
export function fromGetter(kind: string, type: string, getter: TokenGetter, identity = ''): SubjectTokenSource {
  if (typeof getter !== 'function') nonEmpty(undefined, `${kind}(getter)`);
  const source: SubjectTokenSource = {
    kind,
    type,
    identity,
    async get({ signal }) {
      try {
        // A getter that ignores its signal must not delay the callers that wait for the token.
        const token = await waitFor(Promise.resolve(getter({ signal })), signal);
        return { token: nonEmpty(token, `${kind}(getter)`).trim() };
      } catch (cause) {
        if (signal.aborted && !isTimeout(signal.reason)) throw signal.reason;
        throw unavailable(`The token of ${kind}(getter)`, cause);
      }
    },
  };
  getterSources.add(source);
  return source;
}

function isTimeout(reason: unknown): boolean {
  return isCredenceError(reason) && reason.code === 'timeout';
}
