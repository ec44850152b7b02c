import { type McpServerOptions, type SubjectTokenSource } from '@credence/core';
import { TOKEN_TYPE_REFRESH_TOKEN } from '@credence/protocol';
import { z } from 'zod';
import { clientShape, credentialOf, type PresetClient } from './client.ts';
import { assertionFor } from './assertion.ts';
import { noIdJag } from './errors.ts';
import { baseUrl, checked, type PresetServerOptions, serverShape, subjectSource, text } from './options.ts';
import type { IdpPreset } from './preset.ts';
import { usersOnly } from './users.ts';

/** Options of `pingFederate`. */
export interface PingFederateOptions extends PresetClient {
  /** The base URL of the runtime, such as `https://sso.acme.example:9031`. */
  url: string;
  /** The issuer, if the settings of the authorization server have another than the base URL. */
  issuer?: string | undefined;
}

/** Options of `pingFederate(...).idp`. Set one of them. */
export interface PingFederateIdpOptions {
  /** The token that the token exchange processor policy accepts: `fromRefreshToken` or `fromIdToken`. */
  subject?: SubjectTokenSource | undefined;
  /** The principal acts only for users, by `onBehalfOf` with `actor: 'client'`. */
  usersOnly?: boolean | undefined;
}

/** Options of `pingFederate(...).server`. */
export interface PingFederateServerOptions extends PresetServerOptions {
  /** Default: `client-credentials`. */
  flow?: 'client-credentials' | 'workload-identity' | 'enterprise-managed' | undefined;
  /** The token of the platform, for `workload-identity`: `fromWorkloadToken`. */
  assertion?: SubjectTokenSource | undefined;
}

const VENDOR = 'PingFederate';
const INSTEAD =
  'Set subject to fromRefreshToken or fromIdToken, or use pingFederate(...).server({ ... }), which requests the access token at PingFederate by client_credentials or with the token of a platform.';
const optionsSchema = z.strictObject({ url: text, issuer: text.optional(), ...clientShape });
const idpSchema = z.strictObject({ subject: subjectSource.optional(), usersOnly: z.boolean().optional() });
const serverSchema = z.strictObject({
  ...serverShape,
  flow: z.enum(['client-credentials', 'workload-identity', 'enterprise-managed']).default('client-credentials'),
  assertion: subjectSource.optional(),
});

/**
 * PingFederate 13.1. `idp` exchanges a refresh token or an ID token, as the token exchange processor policy is configured; PingFederate
 * documents no ID-JAG for the client itself. `server` is PingFederate as authorization server: `client_credentials`, a JWT of a platform
 * (an "OAuth Assertion Grant" connection), or the ID-JAGs of another IdP.
 *
 * Sources, read on 2026-11-28: docs.pingidentity.com/pingfederate/13.1, the pages pf_configuring_refresh_token_to_idjag_exchange,
 * pf_configuring_refresh_token_processor_instance and pf_configuring_oauth_assertion_grant_idp_connection.
 *
 * @example
 * <!-- from examples/idp-presets.ts#ping-federate -->
 * ```ts
 * const acme = pingFederate({ url: 'https://sso.acme.example:9031', clientId: 'reporting-bot', secret });
 * const idp = acme.idp({ subject: fromRefreshToken(() => session.refreshToken) });
 * ```
 */
export function pingFederate(
  options: PingFederateOptions,
): IdpPreset<PingFederateIdpOptions, PingFederateServerOptions> {
  const { url, issuer: ownIssuer, ...client } = checked('pingFederate', optionsSchema, options);
  const base = baseUrl('The option url of pingFederate', url);
  const issuer = ownIssuer ?? base;
  const tokenEndpoint = `${base}/as/token.oauth2`;
  const credential = credentialOf('pingFederate', client, { audience: issuer, secretMethod: 'basic' });
  return {
    vendor: VENDOR,
    issuer,
    idp(idpOptions = {}) {
      const { subject, usersOnly: onlyUsers } = checked('pingFederate(...).idp', idpSchema, idpOptions);
      if (!subject && onlyUsers !== true) throw noIdJag(VENDOR, INSTEAD);
      const source = subject ?? usersOnly(VENDOR, TOKEN_TYPE_REFRESH_TOKEN, INSTEAD);
      return { issuer, tokenEndpoint, credential, subject: source };
    },
    server(serverOptions): McpServerOptions {
      const { assertion, ...server } = checked('pingFederate(...).server', serverSchema, serverOptions);
      return { ...server, issuer, tokenEndpoint, credential, ...assertionFor('pingFederate', server.flow, assertion) };
    },
  };
}
