export { auth0, type Auth0Options, type Auth0ServerOptions } from './auth0.ts';
export type { FederatedPresetClient, PresetClient } from './client.ts';
export type { C1Secret } from './conductor-one/credential.ts';
export { conductorOne, type ConductorOneIdpOptions, type ConductorOneOptions } from './conductor-one/conductor-one.ts';
export {
  CONDUCTORONE_VARIABLES,
  type ConductorOneEnvOptions,
  conductorOneFromEnv,
} from './conductor-one/environment.ts';
export { descope, type DescopeIdpOptions, type DescopeOptions, type DescopeServerOptions } from './descope.ts';
export { entra, type EntraClient, type EntraOptions, type EntraServerOptions } from './entra/entra.ts';
export type { CertificateInput } from './entra/thumbprint.ts';
export { keycloak, type KeycloakOptions, type KeycloakServerOptions } from './keycloak.ts';
export { okta, type OktaIdpOptions, type OktaOptions, type OktaServerOptions } from './okta.ts';
export {
  oktaForAgents,
  type OktaCaller,
  type OktaForAgentsIdpOptions,
  type OktaForAgentsOptions,
} from './okta-for-agents.ts';
export type { PresetServerOptions } from './options.ts';
export {
  pingFederate,
  type PingFederateIdpOptions,
  type PingFederateOptions,
  type PingFederateServerOptions,
} from './ping-federate.ts';
export type { IdpPreset } from './preset.ts';
