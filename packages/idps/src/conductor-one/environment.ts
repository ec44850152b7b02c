import type { WorkloadTokenSource } from '@credence/core';
import { invalid } from '../errors.ts';
import type { IdpPreset } from '../preset.ts';
import { conductorOne, type ConductorOneIdpOptions } from './conductor-one.ts';

/** The variables of C1's own tools that `conductorOneFromEnv` reads. */
export const CONDUCTORONE_VARIABLES = {
  accessToken: 'CONDUCTORONE_ACCESS_TOKEN',
  oidcToken: 'CONDUCTORONE_OIDC_TOKEN',
  clientId: 'CONDUCTORONE_CLIENT_ID',
  clientSecret: 'CONDUCTORONE_CLIENT_SECRET',
  tenant: 'CONDUCTORONE_TENANT_DOMAIN',
  serverUrl: 'CONDUCTORONE_SERVER_URL',
} as const;

/** Options of `conductorOneFromEnv`. */
export interface ConductorOneEnvOptions {
  /** The platform around the bot, for a client id of a federation trust (`/wfe`) without `CONDUCTORONE_OIDC_TOKEN`. Default: none. */
  workload?: WorkloadTokenSource | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * C1 by the variables of its own tools, in their order: `CONDUCTORONE_ACCESS_TOKEN`; `CONDUCTORONE_OIDC_TOKEN`, the token of a platform;
 * `CONDUCTORONE_CLIENT_SECRET`. Each needs `CONDUCTORONE_CLIENT_ID`. `CONDUCTORONE_TENANT_DOMAIN` and `CONDUCTORONE_SERVER_URL` replace the
 * tenant of the client id. Undefined if none of the first four is set. Throws `invalid_configuration` if they are incomplete.
 *
 * Source, read on 2026-11-28: github.com/ConductorOne/conductorone-sdk-go (NewWithEnv), and C1's Terraform provider.
 *
 * @example
 * <!-- from examples/idp-presets.ts#conductor-one-env -->
 * ```ts
 * const idp = conductorOneFromEnv(env)?.idp(); // undefined: none of the variables is set
 * ```
 */
export function conductorOneFromEnv(
  env: Readonly<Record<string, string | undefined>> = process.env,
  options: ConductorOneEnvOptions = {},
): IdpPreset<ConductorOneIdpOptions, never> | undefined {
  const value = (name: keyof typeof CONDUCTORONE_VARIABLES) => env[CONDUCTORONE_VARIABLES[name]]?.trim() || undefined;
  const [accessToken, oidcToken, secret] = [value('accessToken'), value('oidcToken'), value('clientSecret')];
  const clientId = value('clientId');
  if (clientId === undefined) {
    const set = Object.entries({ accessToken, oidcToken, clientSecret: secret }).find(([, each]) => each !== undefined);
    if (set === undefined) return undefined;
    const [name] = set as [keyof typeof CONDUCTORONE_VARIABLES, unknown];
    throw invalid(
      `${CONDUCTORONE_VARIABLES[name]} is set, and ${CONDUCTORONE_VARIABLES.clientId} is not.`,
      `Set ${CONDUCTORONE_VARIABLES.clientId} to the client id of the service principal: it also names the tenant.`,
    );
  }
  const common = { clientId, tenant: value('tenant'), serverUrl: value('serverUrl') };
  const isTrust = /\/wfe$/iu.test(clientId);
  if (accessToken !== undefined) return conductorOne({ ...common, accessToken });
  if (oidcToken !== undefined) return conductorOne({ ...common, workload: oidcTokenOf(env) });
  if (isTrust && options.workload) return conductorOne({ ...common, workload: options.workload });
  if (secret !== undefined) return conductorOne({ ...common, clientSecret: secret });
  throw invalid(
    `${CONDUCTORONE_VARIABLES.clientId} is set without a credential.`,
    `Set ${isTrust ? CONDUCTORONE_VARIABLES.oidcToken : CONDUCTORONE_VARIABLES.clientSecret}, or remove ${CONDUCTORONE_VARIABLES.clientId}.`,
  );
}

/** The variable is read again for each token. Its audience was set by the program that has written it. */
function oidcTokenOf(env: Env): WorkloadTokenSource {
  return {
    platform: CONDUCTORONE_VARIABLES.oidcToken,
    audience: 'fixed',
    renewable: false,
    local: true,
    claims: { iss: 'the issuer of the token in the variable', sub: 'its subject' },
    getToken: async () => env[CONDUCTORONE_VARIABLES.oidcToken] ?? '',
  };
}
