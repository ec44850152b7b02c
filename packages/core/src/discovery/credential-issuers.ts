import type { ClientCredential } from '../credentials/credential.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { namedUrl } from '../net/named-url.ts';
import type { ServerSettings } from '../settings/settings.ts';

/**
 * The issuer that each credential belongs to: the first issuer that it is used with. Several servers with `issuer: 'discover'` can
 * have the same credential object, and the configuration does not show which issuers their metadata names.
 */
export class CredentialIssuers {
  readonly #first = new Map<ClientCredential, { readonly issuer: string; readonly server: string }>();

  /** Records that the credential of the server is sent to `issuer`. Throws `issuer_mismatch` if it was sent to another issuer before. */
  use(server: ServerSettings, issuer: string): void {
    this.check(server, issuer);
    if (!this.#first.has(server.credential)) this.#first.set(server.credential, { issuer, server: server.name });
  }

  /** Throws `issuer_mismatch` if the credential of the server was used before with another issuer. */
  check(server: ServerSettings, issuer: string): void {
    const first = this.#first.get(server.credential);
    if (first === undefined || first.issuer === issuer) return;
    throw new CredenceError({
      code: 'issuer_mismatch',
      leg: 'discover',
      message: `Server "${server.name}" names the authorization server ${namedUrl(issuer)}, but its credential belongs to ${namedUrl(first.issuer)}, with which it was used first, for server "${first.server}".`,
      remedy: `Create a credential of its own for servers.${server.name}.credential, registered at that authorization server, and set servers.${server.name}.issuer. The credential was not sent to ${namedUrl(issuer)}.`,
      contact: 'you',
      server: server.name,
      issuer: first.issuer,
    });
  }
}
