import { type McpServerOptions, ownToken, type SubjectTokenSource } from '@credence/core';
import { parsedUrl } from '@credence/protocol';
import { z } from 'zod';
import { clientShape, credentialOf, type PresetClient } from './client.ts';
import { assertionFor } from './assertion.ts';
import { baseUrl, checked, type PresetServerOptions, serverShape, subjectSource, text } from './options.ts';
import type { IdpPreset } from './preset.ts';

/** Options of `descope`. */
export interface DescopeOptions extends Pick<PresetClient, 'clientId'> {
  /** The issuer, which the console shows for the client, such as `https://api.descope.com/v1/apps/P2abc`. */
  issuer: string;
  /** The secret of the client, a file or a function that returns it. */
  secret: NonNullable<PresetClient['secret']>;
}

/** Options of `descope(...).idp`. */
export interface DescopeIdpOptions {
  /** Another subject token, such as the one of a user. Default: the client's own access token, requested by `client_credentials`. */
  subject?: SubjectTokenSource | undefined;
  /** The `scope` of the client's own access token. Default: none is sent. */
  scope?: string | undefined;
}

/** Options of `descope(...).server`. */
export interface DescopeServerOptions extends PresetServerOptions {
  /** Default: `client-credentials`. */
  flow?: 'client-credentials' | 'workload-identity' | 'enterprise-managed' | undefined;
  /** The token of the platform, for `workload-identity`: `fromWorkloadToken`. */
  assertion?: SubjectTokenSource | undefined;
}

const optionsSchema = z.strictObject({
  issuer: text,
  clientId: clientShape.clientId,
  secret: clientShape.secret.unwrap(),
});
const idpSchema = z.strictObject({ subject: subjectSource.optional(), scope: text.optional() });
const serverSchema = z.strictObject({
  ...serverShape,
  flow: z.enum(['client-credentials', 'workload-identity', 'enterprise-managed']).default('client-credentials'),
  assertion: subjectSource.optional(),
});

/**
 * Descope. An agent gets its own access token and exchanges it for an ID-JAG; an agent without a user is a principal itself. The token
 * type of the exchange is not stated, so it is that of the access token. All requests go to one token endpoint of the API host. Policies decide on
 * each issue. `server` is Descope as authorization server, with `resource`.
 *
 * Sources, read on 2026-11-28: docs.descope.com/agentic-identity-hub/enterprise-managed-authorization/issue-id-jags,
 * docs.descope.com/identity-federation/inbound-apps (authorization-server, grant-types/client-credentials).
 *
 * @example
 * <!-- from examples/idp-presets.ts#descope -->
 * ```ts
 * const acme = descope({ issuer: 'https://api.descope.com/v1/apps/P2abc', clientId: 'UDJ', secret });
 * const idp = acme.idp();
 * ```
 */
export function descope(options: DescopeOptions): IdpPreset<DescopeIdpOptions, DescopeServerOptions> {
  const { issuer, ...client } = checked('descope', optionsSchema, options);
  baseUrl('The option issuer of descope', issuer, { withPath: true });
  const tokenEndpoint = `${parsedUrl(issuer)?.origin}/oauth2/v1/apps/token`;
  const credential = credentialOf('descope', client, { audience: issuer, secretMethod: 'post' });
  return {
    vendor: 'Descope',
    issuer,
    idp(idpOptions = {}) {
      const { subject, scope } = checked('descope(...).idp', idpSchema, idpOptions);
      return { issuer, tokenEndpoint, credential, subject: subject ?? ownToken({ scope }) };
    },
    server(serverOptions): McpServerOptions {
      const { assertion, ...server } = checked('descope(...).server', serverSchema, serverOptions);
      return { ...server, issuer, tokenEndpoint, credential, ...assertionFor('descope', server.flow, assertion) };
    },
  };
}
