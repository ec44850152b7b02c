import { TOKEN_TYPE_REFRESH_TOKEN } from '@credence/protocol';
import { fromGetter } from './from-getter.ts';
import type { SubjectTokenSource, TokenGetter } from './subject.ts';

/**
 * A subject token source for a refresh token of the IdP, for IdPs that exchange refresh tokens. `identity` names the subject of
 * the token; it is required with a `store`.
 */
export function fromRefreshToken(getter: TokenGetter, options: { identity?: string } = {}): SubjectTokenSource {
  return fromGetter('fromRefreshToken', TOKEN_TYPE_REFRESH_TOKEN, getter, options.identity);
}
