import { TOKEN_TYPE_REFRESH_TOKEN } from '@credence/protocol';
import { nonEmpty } from '../credentials/checks.ts';
import { fromGetter } from './from-getter.ts';
import { type OnRotated, RotatingTokens } from './rotating-tokens.ts';
import type { SubjectTokenSource, TokenGetter } from './subject.ts';

/** Options of `fromRefreshToken`. */
export interface RefreshTokenOptions {
  /** The name of the subject of the token. It is required with a `store`. */
  identity?: string | undefined;
  /**
   * Called with the new refresh token if the response of the IdP contains one (RFC 6749 section 6). The old one may be invalid from
   * then on, so store the new one where the getter reads it. The function is awaited before the ID-JAG is used. If it throws, the
   * acquisition goes on with the new token, a warning event is emitted, and the function is called again before the next exchange.
   */
  onRotated?: OnRotated | undefined;
}

/**
 * A subject token source for a refresh token of the IdP, for IdPs that exchange refresh tokens. If the IdP replaces the refresh token, the
 * next exchange sends the new one, also if the getter still returns the old one. Exchanges run one after the other, so that no two send
 * the same token. Processes that share a refresh token must do this themselves.
 */
export function fromRefreshToken(getter: TokenGetter, options: RefreshTokenOptions = {}): SubjectTokenSource {
  const { identity, onRotated } = options;
  if (onRotated !== undefined && typeof onRotated !== 'function') {
    nonEmpty(undefined, 'The function fromRefreshToken({ onRotated })');
  }
  const source = fromGetter('fromRefreshToken', TOKEN_TYPE_REFRESH_TOKEN, getter, identity);
  const rotation = new RotatingTokens(onRotated);
  return {
    ...source,
    rotation,
    async get(context) {
      const { token } = await source.get(context);
      return { token: await rotation.newest(token, context.signal) };
    },
  };
}
