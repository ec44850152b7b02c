import type { McpServerOptions } from '@credence/core';
import { z } from 'zod';
import { credentialOf, federatedClientShape, type FederatedPresetClient } from './client.ts';
import { noIdJag } from './errors.ts';
import { baseUrl, checked, type PresetServerOptions, serverShape, text } from './options.ts';
import type { IdpPreset } from './preset.ts';

/** Options of `keycloak`. */
export interface KeycloakOptions extends FederatedPresetClient {
  /** The base URL, such as `https://sso.acme.example`. Before Keycloak 17 it ends with `/auth`. */
  url: string;
  /** The name of the realm. */
  realm: string;
}

/** Options of `keycloak(...).server`. */
export interface KeycloakServerOptions extends PresetServerOptions {
  /** Default: `client-credentials`. `enterprise-managed`: another IdP issues the ID-JAG, and the realm redeems it (experimental). */
  flow?: 'client-credentials' | 'enterprise-managed' | undefined;
}

const VENDOR = 'Keycloak';
const optionsSchema = z.strictObject({
  url: text,
  realm: z.string({ error: 'is missing' }).regex(/^[^/\s?#]+$/u, 'is not the name of a realm'),
  ...federatedClientShape,
});
const serverSchema = z.strictObject({
  ...serverShape,
  flow: z
    .enum(['client-credentials', 'enterprise-managed'], {
      error:
        "is not a flow that Keycloak documents for a bot: use 'client-credentials', with keycloak({ assertion }) for the token of a platform",
    })
    .default('client-credentials'),
});

/**
 * Keycloak. It documents that issuing ID-JAGs is not implemented yet, so `idp` throws. `server` requests tokens of a realm by the service
 * account of a client. The audience of a client assertion is the issuer of the realm, alone. The token of a platform is accepted as
 * client assertion ("Signed JWT - Federated"), without `client_id`, because its `sub` identifies the client. The realm adds its default
 * client scopes to each token, so these are accepted. There is no `resource`: an audience mapper sets the audience.
 *
 * Sources, read on 2026-11-28: www.keycloak.org/docs/latest/server_admin (confidential client credentials, service accounts), and its
 * validation of client assertions, github.com/keycloak/keycloak, AbstractJWTClientValidator.java.
 *
 * @example
 * <!-- from examples/client-credentials.ts#keycloak -->
 * ```ts
 * const realm = keycloak({ url: 'https://sso.acme.example', realm: 'acme', clientId: 'reporting-bot', key: BOT_KEY });
 * const files = realm.server({ url: 'https://files.example/mcp', scopes: ['files:read'] });
 * ```
 */
export function keycloak(options: KeycloakOptions): IdpPreset<never, KeycloakServerOptions> {
  const { url, realm, ...client } = checked('keycloak', optionsSchema, options);
  const base = baseUrl('The option url of keycloak', url, { withPath: true });
  const issuer = `${base}/realms/${encodeURIComponent(realm)}`;
  const credential = credentialOf('keycloak', client, {
    audience: issuer,
    secretMethod: 'basic',
    assertionAudience: issuer,
    sendsClientId: false,
  });
  return {
    vendor: VENDOR,
    issuer,
    idp() {
      throw noIdJag(
        VENDOR,
        'Use keycloak(...).server({ ... }), which requests the access token by client_credentials at the realm.',
      );
    },
    server(serverOptions): McpServerOptions {
      const server = checked('keycloak(...).server', serverSchema, serverOptions);
      return {
        ...server,
        issuer,
        tokenEndpoint: `${issuer}/protocol/openid-connect/token`,
        credential,
        excessScopes: server.excessScopes ?? 'accept',
        resourceParameter: 'omit',
      };
    },
  };
}
