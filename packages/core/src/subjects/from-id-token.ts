import { TOKEN_TYPE_ID_TOKEN } from '@credence/protocol';
import { fromGetter } from './from-getter.ts';
import type { SubjectTokenSource, TokenGetter } from './subject.ts';

/**
 * A subject token source for an OpenID Connect ID token that the application obtains. `identity` names the subject of the token;
 * it is required with a `store`.
 */
export function fromIdToken(getter: TokenGetter, options: { identity?: string } = {}): SubjectTokenSource {
  return fromGetter('fromIdToken', TOKEN_TYPE_ID_TOKEN, getter, options.identity);
}
