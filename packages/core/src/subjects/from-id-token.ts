import { TOKEN_TYPE_ID_TOKEN } from '@credence/protocol';
import { fromGetter } from './from-getter.ts';
import type { SubjectTokenSource, TokenGetter } from './subject.ts';

/** An OpenID Connect ID token that the application obtains itself. `identity` names whose it is; a `store` needs it. */
export function fromIdToken(getter: TokenGetter, options: { identity?: string } = {}): SubjectTokenSource {
  return fromGetter('fromIdToken', TOKEN_TYPE_ID_TOKEN, getter, options.identity);
}
