import { nonEmpty, unavailable } from '../credentials/checks.ts';
import type { SubjectTokenSource, TokenGetter } from './subject.ts';

/** A source that asks the application each time: the application knows when its token is fresh. */
export function fromGetter(kind: string, type: string, getter: TokenGetter, identity = ''): SubjectTokenSource {
  if (typeof getter !== 'function') nonEmpty(undefined, `${kind}(getter)`);
  return {
    kind,
    type,
    identity,
    async get({ signal }) {
      try {
        return { token: nonEmpty(await getter({ signal }), `${kind}(getter)`).trim() };
      } catch (cause) {
        throw unavailable(`The token of ${kind}(getter)`, cause);
      }
    },
  };
}
