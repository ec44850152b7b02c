import type { ServicePrincipal } from '@credence/core';
import type { AuthProvider } from '@modelcontextprotocol/client';
import { BearerTokens } from '../shared/bearer-tokens.ts';

/**
 * An auth provider for code that takes nothing else: it presents the principal's tokens, replaces the one that was refused once
 * for all calls that found it refused, and ends an endless 401 in one `CredenceError`.
 *
 * Its limits, which `connectMcp` and `mcpTransport` do not have: bearer tokens only; no step-up, because the SDK makes an
 * `InsufficientScopeError` of every 403 `insufficient_scope` before anybody is asked; and on the 2025 revisions a call that is
 * cancelled while its token is fetched still runs. Throws `unknown_server`.
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

  /** A configuration that holds the provider gets printed: nothing of the principal is in it. */
  toJSON(): Record<string, string> {
    return { server: this.#tokens.server };
  }
}
