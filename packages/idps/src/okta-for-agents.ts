import { ownToken, type SubjectTokenSource } from '@credence/core';
import { z } from 'zod';
import { clientShape, type PresetClient } from './client.ts';
import { checked, subjectSource, text } from './options.ts';
import { oktaCredential, oktaIdp, oktaOrg, oktaServer, type OktaServerOptions } from './okta.ts';
import type { IdpPreset } from './preset.ts';

/** The service app that requests the token which the agent exchanges. It is another client than the agent. */
export interface OktaCaller extends PresetClient {
  /** The id of the custom authorization server at which the token is requested. Default: `default`. */
  authorizationServer?: string | undefined;
  /** The scopes of the token, separated by spaces. */
  scope: string;
}

/** Options of `oktaForAgents`. */
export interface OktaForAgentsOptions extends PresetClient {
  /** The domain of the org, such as `acme.okta.com`, or its custom domain. */
  domain: string;
  /** The resource URL of the agent, as it is registered. It is the audience of the token of `caller`. */
  agentUrl: string;
  /** The service app that is listed in the delegations of the agent. */
  caller: OktaCaller;
}

/** Options of `oktaForAgents(...).idp`. */
export interface OktaForAgentsIdpOptions {
  /** Another subject token that satisfies a delegation of the agent, such as `fromIdToken`. Default: the token of `caller`. */
  subject?: SubjectTokenSource | undefined;
}

const PRESET = 'oktaForAgents';
const optionsSchema = z.strictObject({
  domain: text,
  ...clientShape,
  agentUrl: text,
  caller: z.strictObject({
    ...clientShape,
    authorizationServer: z.string().regex(/^\w+$/u, 'is not an id such as default').default('default'),
    scope: text,
  }),
});
const idpSchema = z.strictObject({ subject: subjectSource.optional() });

/**
 * Okta for AI Agents, for an agent that runs without a user (early access). A service app requests an access token at a custom
 * authorization server, with the `resource` of the agent. The agent exchanges it at the org authorization server with a key of its own.
 * The subject of the ID-JAG is the service app, and its actor is the agent. Set `scopes` for each server: Okta documents `scope` in the
 * exchange.
 *
 * Source, read on 2026-11-28: developer.okta.com/docs/guides/ea-ai-agent-token-exchange/agent-to-agent.
 *
 * @example
 * <!-- from examples/idp-presets.ts#okta-for-agents -->
 * ```ts
 * const acme = oktaForAgents({
 *   domain: 'acme.okta.com',
 *   clientId: 'wlp1', // the AI agent
 *   key: AGENT_KEY,
 *   agentUrl: 'https://reporting.acme.example', // its resource URL
 *   caller: { clientId: '0oa9', key: APP_KEY, scope: 'agent.access' }, // the service app in the delegations of the agent
 * });
 * const idp = acme.idp();
 * ```
 */
export function oktaForAgents(options: OktaForAgentsOptions): IdpPreset<OktaForAgentsIdpOptions, OktaServerOptions> {
  const { domain, agentUrl, caller, ...agent } = checked(PRESET, optionsSchema, options);
  const org = oktaOrg(PRESET, domain);
  const idp = oktaIdp(PRESET, org, agent);
  const { authorizationServer, scope, ...app } = caller;
  const issuer = `${org}/oauth2/${authorizationServer}`;
  const credential = oktaCredential(`${PRESET} (caller)`, app, `${issuer}/v1/token`);
  const own = ownToken({ issuer, credential, scope, resource: agentUrl });
  return {
    vendor: 'Okta for AI Agents',
    issuer: org,
    idp(idpOptions = {}) {
      const { subject } = checked(`${PRESET}(...).idp`, idpSchema, idpOptions);
      return { ...idp, subject: subject ?? own };
    },
    server: (serverOptions) => oktaServer(PRESET, org, agent, serverOptions),
  };
}
