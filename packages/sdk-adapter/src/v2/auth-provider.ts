import type { ServicePrincipal } from '@credence/core';
import type { AuthProvider } from '@modelcontextprotocol/client';
import { BearerTokens } from '../shared/bearer-tokens.ts';

/**
 * An auth provider for code that accepts only an auth provider. The provider returns the principal's access tokens,
 * replaces a refused token once for all calls, and throws a `CredenceError` if the server refuses every token.
 *
 * Its limits, which `connectMcp` and `mcpTransport` do not have: bearer tokens only; no limits on the
 * bodies of responses; no step-up, because the SDK throws an
 * `InsufficientScopeError` for every 403 `insufficient_scope` without a call of the provider; and with the 2025 revisions a
 * call that is cancelled while it waits for its token is still sent. The SDK calls a provider only after a 401: if a server answers 403 to
 * a revoked token, calls fail with the error of the SDK until the token expires or `bot.invalidate` drops it. In the mode `auto` the SDK
 * does not connect to a server that answers 401 to every request without a session; in the mode `legacy` it does. For a bot of `fakeIdp`
 * it throws `invalid_configuration` in place of the first token. Throws `unknown_server`.
 */
export function mcpAuthProvider(bot: ServicePrincipal, server: string | URL): AuthProvider {
  return new PrincipalAuthProvider(new BearerTokens(bot, server));
}

class PrincipalAuthProvider implements AuthProvider {
  readonly #tokens: BearerTokens;

  constructor(tokens: BearerTokens) {
    this.#tokens = tokens;
  }

  async token(): Promise<string> {
    const { value } = await this.#tokens.present();
    return value;
  }

  async onUnauthorized(): Promise<void> {
    await this.#tokens.replaceRefused();
  }

  /** The provider may be printed with a configuration that contains it, so the output has only the name of the server. */
  toJSON(): Record<string, string> {
    return { server: this.#tokens.server };
  }
}
