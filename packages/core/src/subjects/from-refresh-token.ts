import { TOKEN_TYPE_REFRESH_TOKEN } from '@credence/protocol';
import { fromGetter } from './from-getter.ts';
import type { SubjectTokenSource, TokenGetter } from './subject.ts';

/** A refresh token of the IdP, for IdPs that exchange those. `identity` names whose it is; a `store` needs it. */
export function fromRefreshToken(getter: TokenGetter, options: { identity?: string } = {}): SubjectTokenSource {
  return fromGetter('fromRefreshToken', TOKEN_TYPE_REFRESH_TOKEN, getter, options.identity);
}
